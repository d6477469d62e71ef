#!/usr/bin/env bash
# First process of the test node's namespaces: prepares mounts and network, keeps the node's programs running, and takes them all along when it ends.
# Needs in its environment: STATE (folder of this node), PROGRAMS (folder of the built programs), IMAGES (folder of image archives), CGROUPS (hierarchies to mount).
set -eu
export PATH="$PROGRAMS:$PATH"
KUBECONFIG_FILE=$STATE/node.kubeconfig
ADDRESS=10.88.0.1
SERVICES=10.96.0.0/16

mount_private() {
  mount --make-rshared /
  mount -t proc proc /proc
  mount -t sysfs sysfs /sys
  mount -t tmpfs cgroups /sys/fs/cgroup
  for hierarchy in $CGROUPS; do
    mkdir "/sys/fs/cgroup/$hierarchy"
    case $hierarchy in
      systemd) mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd ;;
      *) mount -t cgroup -o "$hierarchy" cgroup "/sys/fs/cgroup/$hierarchy" ;;
    esac
  done
  for folder in var etc; do
    mkdir -p "$STATE/overlay/$folder" "$STATE/overlay/$folder.work"
    mount -t overlay -o "lowerdir=/$folder,upperdir=$STATE/overlay/$folder,workdir=$STATE/overlay/$folder.work" overlay "/$folder"
  done
  mount -t tmpfs run /run
  mkdir -p /run/lock /run/netns /run/containerd
}

# The kubelet sets these for the whole machine; it is shown files that already hold what it wants.
shield_sysctls() {
  local setting
  for setting in vm/overcommit_memory:1 kernel/panic:10 kernel/panic_on_oops:1; do
    local file="$STATE/sysctl-${setting//[\/:]/-}"
    echo "${setting#*:}" >"$file"
    mount --bind "$file" "/proc/sys/${setting%:*}"
  done
}

build_network() {
  hostname node-1
  printf '127.0.0.1 localhost\n%s node-1\n' "$ADDRESS" >/etc/hosts
  : >/etc/resolv.conf
  ip link set lo up
  ip link add cni0 type bridge
  ip address add "$ADDRESS/24" dev cni0
  ip link set cni0 up
  ip route add "$SERVICES" dev cni0
  echo 1 >/proc/sys/net/ipv4/ip_forward
  echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
  mkdir -p /etc/cni/net.d
  cp "$STATE/network.conflist" /etc/cni/net.d/10-test.conflist
}

# Programs that start before what they need is there end, and are started again.
keep() {
  local name=$1
  shift
  while :; do
    "$@" >>"$STATE/logs/$name.log" 2>&1 || true
    sleep 0.3
  done &
}

start_control_plane() {
  keep etcd etcd --data-dir "$STATE/etcd" --unsafe-no-fsync --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380
  keep kube-apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 --advertise-address="$ADDRESS" --bind-address=0.0.0.0 --secure-port=6443 \
    --tls-cert-file="$STATE/pki/server.crt" --tls-private-key-file="$STATE/pki/server.key" --token-auth-file="$STATE/pki/tokens.csv" \
    --authorization-mode=RBAC --service-cluster-ip-range="$SERVICES" --service-account-issuer=https://kubernetes.default.svc.cluster.local \
    --service-account-signing-key-file="$STATE/pki/accounts.key" --service-account-key-file="$STATE/pki/accounts.key" \
    --kubelet-preferred-address-types=InternalIP
  keep kube-controller-manager kube-controller-manager --kubeconfig="$KUBECONFIG_FILE" --leader-elect=false --bind-address=127.0.0.1 \
    --service-account-private-key-file="$STATE/pki/accounts.key" --root-ca-file="$STATE/pki/ca.crt" --use-service-account-credentials=false
  keep kube-scheduler kube-scheduler --kubeconfig="$KUBECONFIG_FILE" --leader-elect=false --bind-address=127.0.0.1
}

import_images() {
  local image
  for image in "$IMAGES"/*.tar; do
    until ctr -n k8s.io images import "$image" >>"$STATE/logs/images.log" 2>&1; do sleep 0.3; done
  done
}

start_node() {
  keep containerd containerd -c "$STATE/containerd.toml"
  import_images
  keep kubelet kubelet --config="$STATE/kubelet.json" --kubeconfig="$KUBECONFIG_FILE" --root-dir="$STATE/kubelet" --cert-dir="$STATE/kubelet/pki" \
    --hostname-override=node-1 --node-ip="$ADDRESS"
  keep kube-proxy kube-proxy --kubeconfig="$KUBECONFIG_FILE" --hostname-override=node-1 --proxy-mode=iptables --cluster-cidr=10.88.0.0/24 \
    --bind-address="$ADDRESS" --healthz-bind-address=127.0.0.1:10256 --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 \
    --conntrack-tcp-timeout-close-wait=0
}

mkdir -p "$STATE"/{kubelet,etcd,logs,containerd}
mount_private
shield_sysctls
build_network
start_control_plane
start_node
trap 'exit 0' TERM
# Collects what ends without a parent.
while :; do wait -n || sleep 1; done
