# Process 1 of a lab: `sh init.sh DAEMON...` in its new namespaces. Prepares the mounts, runs the lab daemon and ends
# with it. While it waits it takes care of orphans, as process 1 must.
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs /run &&
mkdir -p /run/netns /run/postern/etc /run/postern/namespaces &&
mount --rbind /etc /run/postern/etc &&
ip netns attach workstation $$ || exit 1
# Links as this network has them; where the kernel refuses, programs see those of the machine, and cannot use them.
mount -t sysfs sysfs /sys 2>/dev/null
"$@" &
daemon=$!
trap 'kill -TERM $daemon' TERM INT HUP
while :; do
  wait $daemon
  status=$?
  kill -0 $daemon 2>/dev/null || exit $status
done
