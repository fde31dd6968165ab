# One static binary on an empty image. deploy/image/build makes dist/image/OS/ARCH/coredns and calls this file;
# the build needs no network and pulls nothing.
#
# No certificates and no time zone data: an authoritative server reads neither. For `forward` over TLS mount a bundle
# and name it in the Corefile (`tls CERT KEY CA`).
FROM scratch
ARG TARGETOS=linux
ARG TARGETARCH=amd64
ARG VERSION=dev
LABEL org.opencontainers.image.title="fakemx" \
      org.opencontainers.image.description="CoreDNS with fakemx: fake MX records in front of the real ones" \
      org.opencontainers.image.source="https://github.com/fakemx/fakemx" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY dist/image/${TARGETOS}/${TARGETARCH}/coredns /coredns
# Numeric, so that Kubernetes can see that it isn't root (runAsNonRoot).
USER 65532:65532
# Above 1023: needs no capability. Publish it as port 53.
EXPOSE 1053/udp 1053/tcp 8080/tcp 8181/tcp 9153/tcp
ENTRYPOINT ["/coredns"]
CMD ["-conf", "/etc/fakemx/Corefile"]
