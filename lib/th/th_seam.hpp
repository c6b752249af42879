// SPDX-License-Identifier: MIT
// Shared by the files of lib/th: handles, the guard around every body, the device.
#ifndef TH_SEAM_HPP
#define TH_SEAM_HPP

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <memory>
#include <string>
#include <vector>

#include "th/th.h"

struct th_tensor {
	at::Tensor t;
};

struct th_scope {
	explicit th_scope(bool grad) : mode(grad)
	{
	}
	c10::AutoGradMode mode;
	std::vector<std::unique_ptr<th_tensor>> owned;
	bool failed = false;
};

extern at::Device th_device;         // set by open()
void th_set_error(const char *what); // for this thread; keeps the first line
at::ScalarType th_scalar_type(enum th_type type);

// Runs body; whatever it throws becomes last_error() and the value `bad`.
#define TH_GUARD(bad, ...) \
	try { \
		__VA_ARGS__ \
	} catch (const c10::Error &e) { \
		th_set_error(e.what_without_backtrace()); \
		return bad; \
	} catch (const std::exception &e) { \
		th_set_error(e.what()); \
		return bad; \
	} catch (...) { \
		th_set_error("unknown error in libtorch"); \
		return bad; \
	}

// The same for an operation of a scope that yields a tensor.
template <class F> static th_tensor *th_op(th_scope *s, bool operands, F body)
{
	if (!s || s->failed)
		return nullptr;
	s->failed = true; // until the body is done
	if (!operands) {
		th_set_error("missing operand");
		return nullptr;
	}
	TH_GUARD(nullptr, {
		s->owned.push_back(std::make_unique<th_tensor>(th_tensor{ body() }));
		s->failed = false;
		return s->owned.back().get();
	})
}

// The same for one without a result.
template <class F> static int th_act(th_scope *s, bool operands, F body)
{
	if (!s || s->failed)
		return -1;
	s->failed = true;
	if (!operands) {
		th_set_error("missing operand");
		return -1;
	}
	TH_GUARD(-1, {
		body();
		s->failed = false;
		return 0;
	})
}

// ---- the table (th_api.cpp) ----

// Each file sets the members of struct th_api that it implements, by name.
void th_fill_operations(struct th_api *a); // th.cpp
void th_fill_lanes(struct th_api *a);      // th_cuda.cpp
void th_fill_ranks(struct th_api *a);      // th_ranks.cpp

#endif
