// SPDX-License-Identifier: MIT
// Training: backpropagation, and the rules by which parameters move.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "th/th_seam.hpp"

using at::Tensor;

static int backward(th_scope *s, const th_tensor *loss)
{
	return th_act(s, loss, [&] { torch::autograd::backward({ loss->t }, {}); });
}

static int sgd(const struct th_sgd *o, size_t n, struct th_tensor *const *p, struct th_tensor *const *v)
{
	TH_GUARD(-1, {
		c10::NoGradGuard no_grad;
		for (size_t i = 0; i < n; i++) {
			Tensor &w = p[i]->t;
			Tensor d = w.grad();
			if (!d.defined())
				continue;
			if (o->weight_decay != 0)
				d.add_(w, o->weight_decay);
			if (o->momentum != 0) {
				Tensor &m = v[i]->t;
				m.mul_(o->momentum).add_(d);
				d = o->nesterov ? d.add_(m, o->momentum) : m;
			}
			w.add_(d, -o->lr);
			w.mutable_grad().reset();
		}
		return 0;
	})
}

static int adam(const struct th_adam *o, size_t n, struct th_tensor *const *p, struct th_tensor *const *m,
		struct th_tensor *const *v)
{
	TH_GUARD(-1, {
		c10::NoGradGuard no_grad;
		const double c1 = 1 - std::pow(o->beta1, (double)o->step);
		const double c2 = 1 - std::pow(o->beta2, (double)o->step);
		for (size_t i = 0; i < n; i++) {
			Tensor &w = p[i]->t;
			Tensor g = w.grad();
			if (!g.defined())
				continue;
			if (o->weight_decay != 0)
				g.add_(w, o->weight_decay);
			m[i]->t.mul_(o->beta1).add_(g, 1 - o->beta1);
			v[i]->t.mul_(o->beta2).addcmul_(g, g, 1 - o->beta2);
			w.addcdiv_(m[i]->t, v[i]->t.sqrt().div_(std::sqrt(c2)).add_(o->eps), -o->lr / c1);
			w.mutable_grad().reset();
		}
		return 0;
	})
}

static int clip_norm(size_t n, struct th_tensor *const *p, double max)
{
	TH_GUARD(-1, {
		c10::NoGradGuard no_grad;
		double sum = 0;
		for (size_t i = 0; i < n; i++)
			if (p[i]->t.grad().defined())
				sum += std::pow(p[i]->t.grad().norm().item<double>(), 2);
		const double scale = max / (std::sqrt(sum) + 1e-6);
		for (size_t i = 0; i < n && scale < 1; i++)
			if (p[i]->t.grad().defined())
				p[i]->t.mutable_grad().mul_(scale);
		return 0;
	})
}

static int average(size_t n, struct th_tensor *const *to, struct th_tensor *const *p, double decay)
{
	TH_GUARD(-1, {
		c10::NoGradGuard no_grad;
		for (size_t i = 0; i < n; i++)
			to[i]->t.mul_(decay).add_(p[i]->t, 1 - decay);
		return 0;
	})
}

void th_fill_training(struct th_api *a)
{
	a->backward = backward;
	a->sgd = sgd;
	a->adam = adam;
	a->clip_norm = clip_norm;
	a->average = average;
}
