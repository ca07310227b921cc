# SPDX-License-Identifier: Apache-2.0
# The cluster of `run`: etcd, the control plane, containerd, a kubelet, each a process of this machine.
# Sourced; everything is below $dir, in namespaces of its own, and listens on its own loopback and eth0.
# shellcheck shell=bash disable=SC2154

node=knd-node
node_ip=10.250.0.2
service_ip=10.96.0.1
declare -A pids=()

# launch NAME COMMAND...: its process id is ${pids[NAME]}, its output in $dir/log/NAME.log.
launch() {
  local name=$1
  shift
  "$@" >>"$dir/log/$name.log" 2>&1 &
  pids[$name]=$!
}

# halt NAME [SIGNAL]: ends it and waits until it is gone.
halt() {
  local pid=${pids[$1]:-}
  [ -n "$pid" ] || return 0
  kill "-${2:-TERM}" "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  unset "pids[$1]"
}

# until_ok SECONDS COMMAND...: repeats it until it succeeds.
until_ok() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || return 1
    sleep 0.3
  done
}

# --- Certificates ---------------------------------------------------------------------------------

# issue FILE SUBJECT EXTENSIONS: a key and a certificate of our authority.
issue() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/pki/$1.key" \
    -subj "$2" -out "$dir/pki/$1.csr"
  openssl x509 -req -in "$dir/pki/$1.csr" -CA "$dir/pki/ca.crt" -CAkey "$dir/pki/ca.key" -days 2 \
    -extfile <(printf '%s\n' "$3") -out "$dir/pki/$1.crt"
}

make_certificates() {
  mkdir -p "$dir/pki"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=knd-test-ca \
    -keyout "$dir/pki/ca.key" -out "$dir/pki/ca.crt"
  openssl genrsa -out "$dir/pki/sa.key" 2048
  openssl rsa -in "$dir/pki/sa.key" -pubout -out "$dir/pki/sa.pub"
  local client=extendedKeyUsage=clientAuth
  issue apiserver /CN=kube-apiserver "extendedKeyUsage=serverAuth
subjectAltName=IP:127.0.0.1,IP:$node_ip,IP:$service_ip,DNS:kubernetes.default.svc,DNS:localhost"
  issue admin /O=system:masters/CN=admin $client
  issue kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client $client
  issue controller-manager /CN=system:kube-controller-manager $client
  issue scheduler /CN=system:kube-scheduler $client
  issue kubelet "/O=system:nodes/CN=system:node:$node" $client
}

# kubeconfig NAME [USER-LINE]: $dir/NAME.kubeconfig, with the certificate of that name unless given.
kubeconfig() {
  local user=${2:-"{client-certificate: $dir/pki/$1.crt, client-key: $dir/pki/$1.key}"}
  cat >"$dir/$1.kubeconfig" <<YAML
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:443", certificate-authority: $dir/pki/ca.crt}}]
users: [{name: u, user: $user}]
contexts: [{name: c, context: {cluster: c, user: u}}]
current-context: c
YAML
}

# --- Control plane --------------------------------------------------------------------------------

start_etcd() {
  launch etcd "$cache/etcd/usr/bin/etcd" --data-dir "$dir/etcd" --log-level warn --unsafe-no-fsync \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380
}

start_apiserver() {
  local pki=$dir/pki
  launch apiserver "$kubernetes/kube-apiserver" --etcd-servers http://127.0.0.1:2379 \
    --secure-port 443 --bind-address 0.0.0.0 --advertise-address $node_ip --allow-privileged \
    --cert-dir "$dir/pki" --tls-cert-file "$pki/apiserver.crt" --tls-private-key-file "$pki/apiserver.key" \
    --client-ca-file "$pki/ca.crt" --authorization-mode Node,RBAC \
    --enable-admission-plugins NodeRestriction --service-cluster-ip-range 10.96.0.0/16 \
    --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$pki/sa.pub" \
    --service-account-signing-key-file "$pki/sa.key" \
    --kubelet-client-certificate "$pki/kubelet-client.crt" \
    --kubelet-client-key "$pki/kubelet-client.key" --kubelet-preferred-address-types InternalIP
}

start_controllers() {
  # The paper nodes have no kubelet that would renew their leases.
  launch controller-manager "$kubernetes/kube-controller-manager" \
    --kubeconfig "$dir/controller-manager.kubeconfig" --leader-elect=false \
    --use-service-account-credentials --root-ca-file "$dir/pki/ca.crt" \
    --service-account-private-key-file "$dir/pki/sa.key" --node-monitor-grace-period 60m
  launch scheduler "$kubernetes/kube-scheduler" --kubeconfig "$dir/scheduler.kubeconfig" \
    --leader-elect=false
}

# --- The node -------------------------------------------------------------------------------------

start_containerd() {
  local bin=$cache/containerd-2/usr/bin
  mkdir -p "$dir"/{cni,nri/plugins,nri/conf.d}
  sed "s#@DIR@#$dir#g" "$here/node/containerd.toml" >"$dir/containerd.toml"
  sed "s#@DIR@#$dir#g" "$here/node/cni.conflist" >"$dir/cni/10-ptp.conflist"
  # The version's own shim first.
  launch containerd env "PATH=$bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    "$bin/containerd" --config "$dir/containerd.toml"
  until_ok 60 test -S /var/run/nri/nri.sock -a -S "$dir/c.sock"
}

ctr() { "$cache/containerd-2/usr/bin/ctr" --address "$dir/c.sock" -n k8s.io "$@"; }

# import_image TAR: an archive of images becomes known to the node.
import_image() { ctr images import --snapshotter native --local "$1" >>"$dir/log/ctr.log" 2>&1; }

import_images() {
  # The last is the image of the seed's pod, for which no registry is asked here.
  "$source/tests/host/node/make-image" "$dir/image.tar" registry.k8s.io/e2e-test-images/agnhost:2.39
  import_image "$dir/image.tar"
}

start_kubelet() {
  sed -e "s#@DIR@#$dir#g" -e "s#@CGROUP@#/$(basename "$dir")#g" "$here/node/kubelet.yaml" >"$dir/kubelet.yaml"
  launch kubelet "$kubernetes/kubelet" --config "$dir/kubelet.yaml" --v 3 \
    --kubeconfig "$dir/kubelet.kubeconfig" --hostname-override $node --node-ip $node_ip
}

# kndd with a token of its service account that is bound to the node, as the token of a pod is.
write_kndd_config() {
  kubectl create token knd -n knd-system --duration 4h --bound-object-kind Node \
    --bound-object-name $node --bound-object-uid "$(kubectl get node $node -o 'jsonpath={.metadata.uid}')" \
    >"$dir/kndd.token"
  kubeconfig kndd "{tokenFile: $dir/kndd.token}"
  sed -e "s#@DIR@#$dir#g" -e "s#@TREE@#$tree#g" "$here/node/kndd.toml" >"$dir/kndd.toml"
}

start_kndd() { launch kndd "$tree/bin/kndd" --config "$dir/kndd.toml"; }

node_is_ready() {
  [ "$(kubectl get node $node -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')" = True ]
}
