# mounted: what power_cut.sh and device.sh share: a place for images and mounts that is gone when they end. To be sourced;
# `what` says what the sourcing script is about to prove.

# Says loudly that nothing was proven. Not a failure: the machine cannot do it.
skip() {
	echo "SKIPPED, nothing was proven: $what: $1"
	exit 0
}

# Root, and these tools.
need() {
	[ "$(id -u)" -eq 0 ] || skip 'needs root, for loop devices and mounts'
	local tool
	for tool; do
		command -v "$tool" >/dev/null || skip "$tool is not installed"
	done
}

# In memory if there is a place: what counts is what the file system wrote, not where the image lies.
make_place() {
	place=$(mktemp -d "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)/slotd-crash-XXXXXX")
	mkdir "$place/mount"
}

# A killed process lets go of its files a moment later than it is gone: its ring is torn down in the background.
patiently() {
	local i
	for i in {1..200}; do
		"$@" 2>/dev/null && return 0
		sleep 0.05
	done
	"$@"
}

# Ends what is in the way, by its id, and waits until it is gone.
end() {
	kill "$1" 2>/dev/null || true
	while kill -0 "$1" 2>/dev/null; do
		sleep 0.02
	done
}
