# The sequence of docs/deploy.md for the cluster, word for word. The images are on the node under the names in the manifests.
. "$here/document.sh"
git clone -q "$repo" "$tmp/clone-cluster"
finally kubectl delete namespace mydns --wait=false
in_the_clone() { env --chdir="$tmp/clone-cluster" bash -e; }
document cluster in_the_clone
