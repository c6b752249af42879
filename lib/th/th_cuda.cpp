// SPDX-License-Identifier: MIT
// Lanes and graphs. Streams, events and page-locked memory are libtorch's own, the same on every device,
// so only graphs need CUDA's headers; with TH_GRAPHS 0 nothing here refers to CUDA.
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#if TH_GRAPHS
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAFunctions.h>
#endif

#include "th/th_seam.hpp"

using at::Tensor;

static c10::Stream new_stream()
{
	return c10::impl::VirtualGuardImpl(th_device.type()).getStreamFromGlobalPool(th_device);
}

// Where operations go.
static c10::Stream computing()
{
	return c10::impl::VirtualGuardImpl(th_device.type()).getStream(th_device);
}

// A lane's copies on a GPU: they have their own stream, and wait for the computation, or it waits for them.
struct th_copies {
	th_copies() : stream(new_stream()), there(th_device.type()), done(th_device.type())
	{
	}
	c10::Stream stream;
	c10::Event there, done; // data has been sent; data has been fetched
};

struct th_lane {
	Tensor in, device; // on the host and on the device; the same on a CPU
	Tensor out;
	int64_t rows = 0;
	std::unique_ptr<th_copies> copies; // NULL on a CPU
};

static th_lane *lane_new(enum th_type type, int ndim, const size_t *shape, size_t n_out)
{
	TH_GUARD(nullptr, {
		const bool gpu = !th_device.is_cpu();
		const std::vector<int64_t> sizes(shape, shape + ndim);
		const auto host = at::TensorOptions().pinned_memory(gpu);
		auto l = std::make_unique<th_lane>();

		l->in = l->device = at::empty(sizes, host.dtype(th_scalar_type(type)));
		l->out = at::empty({ (int64_t)n_out }, host.dtype(at::kFloat));
		if (gpu) {
			l->device = at::empty(sizes, l->in.options().pinned_memory(false).device(th_device));
			l->copies = std::make_unique<th_copies>();
			// The memory may belong to a tensor that operations in flight still read.
			l->copies->done.record(computing());
			l->copies->done.block(l->copies->stream);
		}
		return l.release();
	})
}

static int lane_wait(th_lane *l)
{
	TH_GUARD(-1, {
		if (l->copies)
			l->copies->stream.synchronize();
		return 0;
	})
}

static void lane_free(th_lane *l)
{
	if (l)
		(void)lane_wait(l);
	delete l;
}

static void *lane_input(th_lane *l)
{
	return l->in.data_ptr();
}

static float *lane_output(const th_lane *l)
{
	return l->out.data_ptr<float>();
}

static int lane_send(th_lane *l, size_t rows)
{
	TH_GUARD(-1, {
		l->rows = (int64_t)rows;
		if (l->copies) {
			const c10::StreamGuard on(l->copies->stream);
			l->device.narrow(0, 0, l->rows).copy_(l->in.narrow(0, 0, l->rows), true);
			l->copies->there.record(l->copies->stream);
		}
		return 0;
	})
}

static th_tensor *lane_tensor(th_scope *s, th_lane *l)
{
	return th_op(s, l, [&] {
		if (l->copies)
			l->copies->there.block(computing());
		return l->device.narrow(0, 0, l->rows);
	});
}

// The copy is in the computation's stream, so that what is computed next may overwrite t; only waiting
// is done in the lane's.
static int lane_fetch(th_scope *s, th_lane *l, const th_tensor *t, size_t at, size_t count)
{
	return th_act(s, l && t, [&] {
		const Tensor from = t->t.detach().to(at::kFloat).contiguous();

		TORCH_CHECK((size_t)from.numel() == count, "lane_fetch: ", from.numel(), " elements, not ", count);
		l->out.narrow(0, (int64_t)at, (int64_t)count).copy_(from.view({ -1 }), l->copies != nullptr);
		if (l->copies) {
			l->copies->done.record(computing());
			l->copies->done.block(l->copies->stream);
		}
	});
}

#if TH_GRAPHS

struct th_graph {
	at::cuda::CUDAGraph graph;
	std::unique_ptr<c10::StreamGuard> on; // during recording; the default stream cannot be recorded
};

static bool graphs(void)
{
	return th_device.is_cuda();
}

// All recordings use one stream: going back, each operation runs in the stream that it went forward in.
static c10::Stream recording_stream()
{
	static const c10::Stream stream = new_stream();
	return stream;
}

static th_graph *graph_begin(const th_graph *after)
{
	TH_GUARD(nullptr, {
		TORCH_CHECK(graphs(), "graphs are recorded on a GPU only");
		auto g = std::make_unique<th_graph>();
		c10::cuda::device_synchronize();
		g->on = std::make_unique<c10::StreamGuard>(recording_stream());
		if (after)
			g->graph.capture_begin(const_cast<th_graph *>(after)->graph.pool());
		else
			g->graph.capture_begin();
		return g.release();
	})
}

static int graph_end(th_graph *g)
{
	TH_GUARD(-1, {
		const std::unique_ptr<c10::StreamGuard> on = std::move(g->on); // ends here in any case
		g->graph.capture_end();
		return 0;
	})
}

static int graph_run(th_graph *g)
{
	TH_GUARD(-1, {
		g->graph.replay();
		return 0;
	})
}

#else

struct th_graph {
};

static bool graphs(void)
{
	return false;
}

static th_graph *graph_begin(const th_graph *)
{
	th_set_error("graphs are recorded on a GPU only");
	return nullptr;
}

static int graph_end(th_graph *)
{
	return -1;
}

static int graph_run(th_graph *)
{
	return -1;
}

#endif

static void graph_free(th_graph *g)
{
	delete g;
}

void th_fill_lanes(struct th_api *a)
{
	a->lane_new = lane_new;
	a->lane_free = lane_free;
	a->lane_input = lane_input;
	a->lane_output = lane_output;
	a->lane_send = lane_send;
	a->lane_tensor = lane_tensor;
	a->lane_fetch = lane_fetch;
	a->lane_wait = lane_wait;
	a->graphs = graphs;
	a->graph_begin = graph_begin;
	a->graph_end = graph_end;
	a->graph_run = graph_run;
	a->graph_free = graph_free;
}
