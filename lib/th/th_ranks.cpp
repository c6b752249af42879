// SPDX-License-Identifier: MIT
// Sums over processes, by libtorch's c10d: NCCL on GPUs, Gloo on the CPU. TH_NCCL and TH_GLOO say which of them
// libtorch has and whose headers are here; with neither nothing here refers to c10d.
#include <torch/version.h>

#include <cstring>

#include "th/th_seam.hpp"

#if TH_NCCL || TH_GLOO

#if TH_NCCL
#define USE_C10D_NCCL 1
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif
#if TH_GLOO
#define USE_C10D_GLOO 1
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#if TORCH_VERSION_MAJOR >= 2
using th_backend = c10d::Backend;
#else
using th_backend = c10d::ProcessGroup;
#endif

// Those of this process, as the device is. The store is where ranks meet; rank 0's serves the others.
static c10::intrusive_ptr<c10d::Store> store;
static c10::intrusive_ptr<th_backend> group;

static const char *ranks_by()
{
	return th_device.is_cuda() ? TH_NCCL ? "NCCL" : nullptr : TH_GLOO ? "Gloo" : nullptr;
}

static c10d::TCPStoreOptions meeting(int port, bool server, int size, int seconds)
{
	c10d::TCPStoreOptions o;

	o.port = (uint16_t)port;
	o.isServer = server;
	o.numWorkers = (size_t)size;
	o.waitWorkers = false;
	o.timeout = std::chrono::seconds(seconds);
	return o;
}

static int ranks_listen(int size, int seconds)
{
	TH_GUARD(-1, {
		const auto served = c10::make_intrusive<c10d::TCPStore>("localhost", meeting(0, true, size, seconds));

		store = served;
		return served->getPort();
	})
}

static c10::intrusive_ptr<th_backend> make_group([[maybe_unused]] const char *host, int rank, int size, int seconds)
{
#if TH_NCCL
	if (th_device.is_cuda()) {
		auto o = c10d::ProcessGroupNCCL::Options::create();

		o->timeout = std::chrono::seconds(seconds);
		return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, size, o);
	}
#endif
#if TH_GLOO
	if (th_device.is_cpu()) {
		using gloo = c10d::ProcessGroupGloo;
		auto o = gloo::Options::create(std::chrono::seconds(seconds));

		// Ranks of one machine need no network; else it is the address that the machine's name has.
		o->devices.push_back(strcmp(host, "localhost") == 0 ? gloo::createDeviceForHostname(host) :
								      gloo::createDefaultDevice());
		return c10::make_intrusive<gloo>(store, rank, size, o);
	}
#endif
	TORCH_CHECK(false, "this build adds up nothing over ranks on such a device");
}

static int ranks_join(const char *host, int port, int rank, int size, int seconds)
{
	TH_GUARD(-1, {
		if (rank > 0)
			store = c10::make_intrusive<c10d::TCPStore>(host, meeting(port, false, size, seconds));
		group = make_group(host, rank, size, seconds);
		return 0;
	})
}

// On a GPU wait() lets the device wait, not the host.
static int ranks_sum(th_scope *s, th_tensor *x)
{
	return th_act(s, x && group, [&] {
		std::vector<at::Tensor> all = { x->t };

		group->allreduce(all)->wait();
	});
}

static void ranks_leave()
{
	try {
		group.reset();
		store.reset();
	} catch (...) {
		th_set_error("cannot leave the ranks");
	}
}

#else

static const char *ranks_by()
{
	return nullptr;
}

static int without()
{
	th_set_error("this build adds up nothing over ranks");
	return -1;
}

static int ranks_listen(int, int)
{
	return without();
}

static int ranks_join(const char *, int, int, int, int)
{
	return without();
}

static int ranks_sum(th_scope *, th_tensor *)
{
	return without();
}

static void ranks_leave()
{
}

#endif

void th_fill_ranks(struct th_api *a)
{
	a->ranks_by = ranks_by;
	a->ranks_listen = ranks_listen;
	a->ranks_join = ranks_join;
	a->ranks_sum = ranks_sum;
	a->ranks_leave = ranks_leave;
}
