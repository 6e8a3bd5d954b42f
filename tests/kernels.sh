#!/usr/bin/env bash
# Runs the test binaries and examples on other kernels, which the machine's Debian mirror offers
# and qemu emulates. Each kernel is only unpacked; nothing is installed, and apt's sources and state
# stay as they are.
#
#   tests/kernels.sh                      all kernels of KERNELS, everything
#   tests/kernels.sh 5.10 6.1             these kernels
#   ONLY='pipe|fifo' tests/kernels.sh     only binaries and examples whose names match
#   EXCEPT='sweep|stress' …               leave out those whose names match
#   FILTER='--skip name' …                arguments for each test binary
#
#   KERNELS   the series to boot               [5.10 6.1 6.12 6.16]
#   WORK      where downloads and results stay [/tmp/ipcraft-kernels]
#   USER_ID   run as this user instead of root
#   PREPARED  if set, run the tests that the last call built
#   PATIENCE  factor for the timeouts of tests, as emulation is slow [20]
#   LIMIT     seconds for one boot             [5400]
#   BINARY_LIMIT   seconds for one binary      [2400]
#   IPCRAFT_SWEEP  the stride of crash sweeps  [theirs]
#
# It prints a line per kernel and binary: passed, failed, skipped. It needs these Debian packages:
# qemu-system-x86 busybox-static kmod cpio e2fsprogs dpkg apt python3 gcc. It prints `skipped` if
# one is absent.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

KERNELS=${*:-${KERNELS:-5.10 6.1 6.12 6.16}}
WORK=${WORK:-/tmp/ipcraft-kernels}
ONLY=${ONLY:-.}
EXCEPT=${EXCEPT:-^$}
LIMIT=${LIMIT:-5400}
BINARY_LIMIT=${BINARY_LIMIT:-2400}
CHECKOUT=$PWD
# The tests of these packages; benches are left out.
BUILD=(cargo test --workspace --exclude ipcraft-benches --locked --no-run --message-format json)

skip() {
  printf 'skipped: %s\n' "$*"
  exit 0
}

note() { printf '%s\n' "$*" >&2; }

need() {
  local tool
  for tool in qemu-system-x86_64 busybox depmod modprobe cpio mke2fs debugfs dpkg apt-get python3 cc; do
    command -v "$tool" > /dev/null || skip "$tool is not installed"
  done
  [[ $(dpkg --print-architecture) == amd64 ]] || skip "only amd64 is supported"
  [[ -r /usr/share/keyrings/debian-archive-keyring.gpg ]] || skip "this is not Debian"
}

# apt with a state of its own, and the sources of $WORK/apt/sources.list only.
own_apt() {
  local tool=$1
  shift
  "$tool" -o Dir::Etc::sourcelist="$WORK/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::State::lists="$WORK/apt/lists" -o Dir::Cache="$WORK/apt/cache" "$@"
}

# The suites of several releases, at the mirrors that this machine uses for its own release.
sources() {
  local signed="[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" release mirror security
  local uris
  uris=$(apt-get indextargets --format '$(REPO_URI)' | sort -u)
  mirror=$(grep -m1 -E '/debian/?$' <<< "$uris") || skip "apt has no Debian mirror"
  security=$(grep -m1 -E '/debian-security/?$' <<< "$uris" || true)
  for release in bullseye bookworm trixie; do
    printf 'deb %s %s %s main\n' "$signed" "$mirror" "$release"
    [[ $release == bullseye ]] || printf 'deb %s %s %s-backports main\n' "$signed" "$mirror" "$release"
    [[ -z $security ]] || printf 'deb %s %s %s-security main\n' "$signed" "$security" "$release"
  done
}

# Fetches the lists of packages, once for all kernels that are not yet unpacked.
fetch_lists() {
  [[ ! -e $WORK/apt/fetched ]] || return 0
  mkdir -p "$WORK"/apt/{lists,cache/archives}/partial
  sources > "$WORK/apt/sources.list"
  own_apt apt-get -qq update 2> "$WORK/apt.log" || note "some suites are not served: see $WORK/apt.log"
  touch "$WORK/apt/fetched"
}

# Unpacks the newest cloud kernel of a series, once. Fails if the mirror has none.
unpack() {
  local series=$1 root=$WORK/kernels/$1 package parts deb
  [[ -e $root/complete ]] && return
  fetch_lists
  package=$(own_apt apt-cache pkgnames "linux-image-$series" \
    | grep -E "^linux-image-${series//./\\.}[.+].*-cloud-amd64$" | grep -vE 'rt|bpo|\.deb11' \
    | sort -V | tail -1) \
    || return 1
  # Newer packages keep the kernel and its modules in packages of their own.
  parts=$(own_apt apt-cache depends "$package" | grep -oE 'linux-(binary|modules)-[^ ]+' | sort -u || true)
  rm -rf "$root" && mkdir -p "$root/debs"
  # shellcheck disable=SC2086
  (cd "$root/debs" && own_apt apt-get -qq download "$package" $parts)
  for deb in "$root"/debs/*.deb; do dpkg -x "$deb" "$root"; done
  rm -r "$root/debs"
  touch "$root/complete"
}

# Makes the first root file system of a kernel: it loads the drivers of the disks and changes over.
initramfs() {
  local root=$WORK/kernels/$1 stage=$WORK/kernels/$1/stage version modules file
  modules=$(find "$root" -path '*/lib/modules/*' -prune -print -quit)
  version=${modules##*/}
  mkdir -p "$stage"/{bin,dev,proc,new,modules} "$root/tree/lib/modules"
  find "$modules" -name '*.ko.xz' -exec xz --decompress {} +
  ln -sfn "$modules" "$root/tree/lib/modules/$version"
  depmod --basedir "$root/tree" "$version" 2> "$root/depmod.log"
  for file in virtio_pci virtio_blk virtio_rng ext4; do
    # A driver that is built in has no file.
    modprobe --dirname "$root/tree" --set-version "$version" --show-depends "$file" 2> /dev/null || true
  done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' > "$root/drivers"
  : > "$stage/modules/order"
  while read -r file; do
    cp "$file" "$stage/modules/"
    basename "$file" >> "$stage/modules/order"
  done < "$root/drivers"
  cp "$(command -v busybox)" "$stage/bin/busybox"
  cat > "$stage/init" << 'INIT'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs none /dev
while read -r module; do $b insmod "/modules/$module"; done < /modules/order
for _ in 1 2 3 4 5 6 7 8 9; do [ -b /dev/vdb ] || $b sleep 1; done
$b mount -t ext4 /dev/vda /new || $b poweroff -f
$b mount --move /dev /new/dev
exec $b switch_root /new /guest/init
INIT
  chmod +x "$stage/init"
  (cd "$stage" && find . | cpio --quiet --create --format newc | gzip -1 > "$root/initramfs")
}

# Builds the tests, and lists them: name, folder, command.
build() {
  note "building the tests"
  "${BUILD[@]}" > "$WORK/build.json" || { note "the build failed" && exit 1; }
  python3 - "$WORK/build.json" > "$WORK/list" << 'PYTHON'
import json, os, sys

lines = [json.loads(line) for line in open(sys.argv[1]) if line.startswith("{")]
made = [m for m in lines if m.get("executable")]
slow_last = lambda m: ("sweep" in m["executable"], "stress" in m["executable"], m["executable"])
for m in sorted(made, key=slow_last):
    folder, target = os.path.dirname(m["manifest_path"]), m["target"]
    kind, name, package = target["kind"][0], target["name"], os.path.basename(folder)
    if m["profile"]["test"]:
        name = f"{package}.{name}" if kind == "test" else f"{kind}.{name}"
    elif kind == "example":
        name = f"example.{name}.run"
    else:
        continue
    print(name, folder, m["executable"], sep="\t")
PYTHON
}

# Makes the root file system: programs that tests start, the sources, and the tests.
image() {
  local stage=$WORK/stage packages path size make
  note "making the root file system"
  rm -rf "$stage" && mkdir -p "$stage"/{dev,proc,sys,run,tmp,root,guest,results}
  packages=$(apt-cache depends --recurse --installed \
    --no-{recommends,suggests,conflicts,breaks,replaces,enhances} \
    bash coreutils dash gcc libc6-dev grep iproute2 mount procps sed util-linux util-linux-extra libc-bin \
    2> /dev/null | grep '^[a-z]' | sort -u)
  # shellcheck disable=SC2086
  { dpkg --listfiles $packages 2> /dev/null || true; } \
    | grep -vE '^/(usr/share/(doc|man|locale|info)|proc|sys|dev|run|tmp)(/|$)' \
    | python3 -c '
import os, sys
# Where /bin and /lib are links into /usr, a package may name either.
for path in map(str.rstrip, sys.stdin):
    path = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    if os.path.lexists(path) and (os.path.islink(path) or not os.path.isdir(path)): print(path.lstrip("/"))
' | sort -u > "$WORK/files"
  # These belong to no package.
  printf '%s\n' etc/{passwd,group,alternatives,ld.so.conf,ld.so.conf.d} usr/bin/{cc,awk} >> "$WORK/files"
  tar -C / --create --files-from "$WORK/files" | tar -C "$stage" --extract
  for path in bin sbin lib lib64; do [[ ! -L /$path ]] || ln -sfn "usr/$path" "$stage/$path"; done
  ldconfig -r "$stage"
  # Tests read the sources, and start programs by their absolute paths.
  mkdir -p "$stage$CHECKOUT"
  tar --exclude ./target --exclude ./.git --create . | tar -C "$stage$CHECKOUT" --extract
  cut -f 3 "$WORK/list" | while read -r path; do
    mkdir -p "$stage${path%/*}"
    strip --strip-debug -o "$stage$path" "$path"
  done
  for path in "$CHECKOUT"/target/debug/ipcraft; do
    [[ ! -e $path ]] || cp "$path" "$stage$path"
  done
  mkdir -p "$stage$CHECKOUT/target/tmp"
  chmod 1777 "$stage/tmp"
  cp "$(command -v busybox)" "$stage/guest/"
  guest_init > "$stage/guest/init"
  guest_runner > "$stage/guest/runner"
  chmod +x "$stage"/guest/*
  rm -f "$WORK/root.img"
  # Old kernels refuse newer features of ext4.
  size=$(($(du -sm "$stage" | cut -f 1) + 2000))M
  make=(mke2fs -q -t ext4 -E root_owner=0:0 -d "$stage")
  "${make[@]}" -O '^orphan_file,^metadata_csum_seed' "$WORK/root.img" "$size" 2> "$WORK/mke2fs.log" \
    || "${make[@]}" "$WORK/root.img" "$size"
}

guest_init() {
  cat << 'INIT'
#!/bin/bash
export PATH=/usr/bin:/usr/sbin:/bin:/sbin HOME=/root USER=root LANG=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /dev/shm /dev/mqueue /dev/pts
mount -t devpts -o gid=5,mode=620 devpts /dev/pts
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs /dev/shm
mount -t mqueue mqueue /dev/mqueue
mount -t tmpfs -o mode=755 tmpfs /run
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
[ -e /dev/stdout ] || ln -s /proc/self/fd/1 /dev/stdout
ip link set lo up
ulimit -Sn 1024; ulimit -Hn 524288
mount -t ext4 /dev/vdb /results
setsid bash /guest/runner < /dev/null > /dev/ttyS0 2>&1
umount /results
/guest/busybox poweroff -f
INIT
}

guest_runner() {
  cat << 'RUNNER'
echo "Linux $(uname -r), $(nproc) CPUs"
uname -r > /results/release
. /results/settings
while IFS=$'\t' read -r name folder command; do
  [ -e "/results/$name.status" ] && continue
  cd "$folder"
  arguments=$FILTER
  case $name in example.*.run) arguments= ;; esac
  begun=$SECONDS
  as_user="${USER_ID:+setpriv --reuid=$USER_ID --regid=$USER_ID --clear-groups}"
  CARGO_MANIFEST_DIR=$folder $as_user timeout --kill-after 10 "$BINARY_LIMIT" $command $arguments \
    < /dev/null > "/results/$name.log" 2>&1
  echo "$? $((SECONDS - begun))" > "/results/$name.status"
  echo "$name: $(cat "/results/$name.status")"
  sync
done < /results/list
RUNNER
}

# The folder of a kernel's results, which root and each user have for themselves.
results() { printf '%s' "$WORK/results/$1${USER_ID:+-$USER_ID}"; }

# Boots one kernel with what it has not yet run.
boot() {
  local series=$1 root=$WORK/kernels/$1 out disk=$WORK/results-$1${USER_ID:+-$USER_ID}.img kernel input
  out=$(results "$series")
  rm -rf "$out" && mkdir -p "$out"
  input=$(mktemp -d "$WORK/input.XXXXXX")
  awk -F '\t' -v only="$ONLY" -v except="$EXCEPT" '$1 ~ only && $1 !~ except' "$WORK/list" \
    > "$input/list"
  [[ -s $input/list ]] || skip "ONLY and EXCEPT leave nothing"
  note "$series: booting, $(wc -l < "$input/list") programs; console in $out/console"
  {
    printf 'USER_ID=%q FILTER=%q BINARY_LIMIT=%q\n' "${USER_ID:-}" "${FILTER:-}" "$BINARY_LIMIT"
    printf 'export IPCRAFT_PATIENCE=%q RUST_TEST_THREADS=2 CARGO_TERM_COLOR=never\n' "${PATIENCE:-20}"
    [[ -z ${IPCRAFT_SWEEP:-} ]] || printf 'export IPCRAFT_SWEEP=%q\n' "$IPCRAFT_SWEEP"
  } > "$input/settings"
  rm -f "$disk"
  mke2fs -q -t ext4 -O '^metadata_csum' -d "$input" "$disk" 256M
  rm -r "$input"
  kernel=$(find "$root" -name 'vmlinuz*' -print -quit)
  timeout "$LIMIT" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 4096 -machine q35 -nodefaults \
    -no-user-config -display none -no-reboot -serial stdio -device virtio-rng-pci \
    -kernel "$kernel" -initrd "$root/initramfs" \
    -append "console=ttyS0 quiet panic=-1 tsc=reliable clocksource=tsc no_timer_check" \
    -drive file="$WORK/root.img",format=raw,if=virtio,snapshot=on,cache=unsafe \
    -drive file="$disk",format=raw,if=virtio,cache=unsafe < /dev/null > "$out/console" 2>&1 \
    || note "$series: qemu ended with $?"
  debugfs -R "rdump / $out" "$disk" > /dev/null 2>&1 || true
  rm -f "$disk"
}

# Prints the results of one kernel. Fails if something did.
report() {
  python3 - "$(results "$1")" << 'PYTHON'
import os, re, sys

out = sys.argv[1]
read = lambda name: open(os.path.join(out, name), errors="replace").read()
if not os.path.exists(os.path.join(out, "release")):
    sys.exit(f"{os.path.basename(out)} did not boot: see {out}/console")
print(f"\nLinux {read('release').strip()}")
total, bad = [0, 0, 0], 0
for line in read("list").splitlines():
    name = line.split("\t")[0]
    try:
        code, seconds = read(name + ".status").split()
    except OSError:
        print(f"  {name:44} NOT RUN")
        bad += 1
        continue
    text = read(name + ".log")
    found = re.findall(r"test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored", text)
    counts = [sum(map(int, column)) for column in zip(*found)]
    counts = counts or [int(code == "0"), int(code != "0"), 0]
    total = [a + b for a, b in zip(total, counts)]
    state = "ok" if code == "0" else "TIMEOUT" if code == "124" else f"EXIT {code}"
    bad += code != "0"
    print("  {:44} {:8} {:>5} s {:>5} passed {:>3} failed {:>3} skipped".format(name, state, seconds, *counts))
    for failed in sorted(set(re.findall(r"^---- (\S+) (?:stdout )?----$", text, re.M))):
        print(f"      failed: {failed}")
    for hangs in re.findall(r"^\S+ hangs: .*$", text, re.M):
        print(f"      {hangs}")
print("  sum: {} passed, {} failed, {} skipped".format(*total))
sys.exit(bad > 0)
PYTHON
}

main() {
  local series failed=0
  need
  mkdir -p "$WORK/kernels" "$WORK/results"
  rm -f "$WORK/apt/fetched"
  [[ -n ${PREPARED:-} ]] || { build && image; }
  for series in $KERNELS; do
    if ! unpack "$series"; then
      printf 'skipped: the mirror has no kernel %s\n' "$series"
      continue
    fi
    [[ -e $WORK/kernels/$series/initramfs ]] || initramfs "$series"
    boot "$series"
    report "$series" || failed=1
  done
  return "$failed"
}

main
