# The variants on a real Kubernetes node: kubelet, containerd, runc, kube-proxy, kube-apiserver, etcd.
# KUBELAB is the directory of the scripts that build and start it; a node that is up already is used and left running.
# CLUSTER_PARTS picks from the files in cluster/.
. "$here/cluster/node.sh"

start_node
load_images
variant standalone     203.0.113.101
variant forward-nsd    203.0.113.102
variant secondary-knot 203.0.113.103

for part in ${CLUSTER_PARTS:-service neighbour transfer clients disruption rollout reload watch serial sink docs}; do
  echo "-- $part"
  . "$here/cluster/$part.sh"
done
