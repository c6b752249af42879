// SPDX-License-Identifier: MIT
// Operations of the seam: functions of struct th_api over ATen. Mechanical; th.h explains them.
// Only ATen is included: torch/torch.h costs 25 s per compilation.
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/version.h>

#include <cmath>

#include "th/th_seam.hpp"

using at::Tensor;
using std::string;

static thread_local string error_text;
at::Device th_device(at::kCPU);
static at::Device &device = th_device;

void th_set_error(const char *what)
{
	error_text = what;
	const size_t end = error_text.find('\n');
	if (end != string::npos)
		error_text.resize(end);
}

at::ScalarType th_scalar_type(enum th_type type)
{
	return type == TH_U8 ? at::kByte : type == TH_I64 ? at::kLong : type == TH_BF16 ? at::kBFloat16 : at::kFloat;
}

// Takes any layout, such as PyTorch's NCHW; returns channels-last for a map of floats.
static Tensor layout(const Tensor &t, at::ScalarType type)
{
	const bool map = t.dim() == 4 && at::isFloatingType(type);
	return t.to(type, false, false,
		    map ? c10::optional<at::MemoryFormat>(at::MemoryFormat::ChannelsLast) : c10::nullopt);
}

static Tensor make(enum th_type type, int ndim, const size_t *shape, const void *data)
{
	std::vector<int64_t> sizes(shape, shape + ndim);
	const auto options = at::TensorOptions().dtype(th_scalar_type(type));
	Tensor t = data ? at::from_blob(const_cast<void *>(data), sizes, options).clone() : at::zeros(sizes, options);
	if (ndim == 4 && type == TH_F32)
		t = t.contiguous(at::MemoryFormat::ChannelsLast);
	return t.to(device);
}

static c10::optional<Tensor> maybe(const th_tensor *t)
{
	return t ? c10::optional<Tensor>(t->t) : c10::nullopt;
}

// ---- process ----

static const char *version()
{
	return TORCH_VERSION;
}

static void tf32(bool on)
{
	at::globalContext().setAllowTF32CuDNN(on);
	at::globalContext().setAllowTF32CuBLAS(on);
}

static int open_device(const char *name, int threads)
{
	TH_GUARD(-1, {
		TORCH_CHECK(string(name).rfind("cpu", 0) == 0 || string(name).rfind("cuda", 0) == 0,
			    "it is neither cpu nor cuda");
		const at::Device named(name);
		TORCH_CHECK(named.is_cpu() || TH_CUDA, "this build's libtorch knows no GPUs; "
						       "make LIBTORCH=DIR builds with one that does");
		TORCH_CHECK(named.is_cpu() || at::hasCUDA(), "libtorch finds no GPU, or no driver");
		at::set_num_threads(threads);
		device = at::zeros({ 1 }, at::TensorOptions().device(named)).device();
		tf32(false);
		return 0;
	})
}

static bool apart()
{
	return !device.is_cpu();
}

static void seed(uint64_t value)
{
	try {
		at::manual_seed(value);
	} catch (...) {
		th_set_error("cannot seed libtorch");
	}
}

static const char *last_error()
{
	return error_text.c_str();
}

// ---- scopes ----

static th_scope *scope_begin(bool grad)
{
	TH_GUARD(nullptr, { return new th_scope(grad); })
}

static int scope_end(th_scope *s)
{
	const int rc = s && !s->failed ? 0 : -1;
	delete s;
	return rc;
}

static void release(th_scope *s, th_tensor *t)
{
	if (s && t)
		t->t.reset(); // the handle lives until the scope ends
}

// ---- tensors of the caller ----

static th_tensor *tensor_new(enum th_type type, int ndim, const size_t *shape, const void *data)
{
	TH_GUARD(nullptr, { return new th_tensor{ make(type, ndim, shape, data) }; })
}

static void tensor_free(th_tensor *t)
{
	delete t;
}

static int tensor_set(th_tensor *t, const void *data)
{
	TH_GUARD(-1, {
		c10::NoGradGuard no_grad;
		if (!data) {
			t->t.zero_();
			return 0;
		}
		const auto options = at::TensorOptions().dtype(t->t.scalar_type());
		t->t.copy_(at::from_blob(const_cast<void *>(data), t->t.sizes(), options));
		return 0;
	})
}

static void copy_out(const Tensor &t, void *data)
{
	const Tensor host = t.detach().to(at::kCPU).contiguous();
	memcpy(data, host.data_ptr(), host.nbytes());
}

static int tensor_get(const th_tensor *t, void *data)
{
	TH_GUARD(-1, {
		copy_out(t->t, data);
		return 0;
	})
}

static int tensor_cast(th_tensor *t, enum th_type type)
{
	TH_GUARD(-1, {
		t->t = layout(t->t, th_scalar_type(type));
		return 0;
	})
}

static th_tensor *tensor_keep(th_scope *s, const th_tensor *t)
{
	if (!s || s->failed || !t)
		return nullptr;
	TH_GUARD(nullptr, { return new th_tensor{ t->t }; })
}

// variable_data(): writing to one view must not count as a change to values from which others were computed.
static th_tensor *tensor_view(const th_tensor *t, size_t at, int ndim, const size_t *shape)
{
	TH_GUARD(nullptr, {
		std::vector<int64_t> sizes(shape, shape + ndim);
		int64_t n = 1;
		for (int64_t size : sizes)
			n *= size;
		return new th_tensor{ t->t.variable_data().narrow(0, (int64_t)at, n).view(sizes) };
	})
}

static int tensor_track(th_tensor *t, const th_tensor *gradient)
{
	TH_GUARD(-1, {
		t->t.requires_grad_(true);
		t->t.mutable_grad() = gradient->t;
		return 0;
	})
}

static int tensor_grad(const th_tensor *t, float *data)
{
	TH_GUARD(-1, {
		const Tensor g = t->t.grad();
		copy_out(g.defined() ? g : at::zeros_like(t->t), data);
		return 0;
	})
}

// ---- operations ----

static th_tensor *from_host(th_scope *s, enum th_type type, int ndim, const size_t *shape, const void *data)
{
	return th_op(s, true, [&] { return make(type, ndim, shape, data); });
}

static int to_host(th_scope *s, const th_tensor *t, float *data, size_t count)
{
	return th_act(s, t, [&] {
		const Tensor f = t->t.detach().to(at::kFloat);
		TORCH_CHECK((size_t)f.numel() == count, "to_host: ", f.numel(), " elements, not ", count);
		copy_out(f, data);
	});
}

static int assign(th_scope *s, th_tensor *to, const th_tensor *x)
{
	return th_act(s, to && x, [&] { to->t.copy_(x->t); });
}

static th_tensor *cast(th_scope *s, const th_tensor *x, enum th_type type)
{
	return th_op(s, x, [&] { return layout(x->t, th_scalar_type(type)); });
}

static th_tensor *channel_affine(th_scope *s, const th_tensor *x, const th_tensor *scale, const th_tensor *shift)
{
	return th_op(s, x && scale && shift, [&] {
		const auto row = [](const Tensor &v) { return v.view({ 1, -1, 1, 1 }); };
		return layout(x->t, at::kFloat).mul(row(scale->t)).add_(row(shift->t));
	});
}

static th_tensor *conv2d(th_scope *s, const th_tensor *x, const th_tensor *w, const th_tensor *bias, int stride,
			 int pad, int groups)
{
	return th_op(s, x && w, [&] {
		const Tensor k = w->t.dim() == 2 ? w->t.view({ w->t.size(0), w->t.size(1), 1, 1 }) : w->t;
		return at::conv2d(x->t, k, maybe(bias), stride, pad, 1, groups);
	});
}

static th_tensor *batch_norm(th_scope *s, const th_tensor *x, const th_tensor *gamma, const th_tensor *beta,
			     th_tensor *mean, th_tensor *var, bool train, double momentum, double eps)
{
	return th_op(s, x && mean && var, [&] {
		return at::batch_norm(x->t, maybe(gamma), maybe(beta), mean->t, var->t, train, momentum, eps, true);
	});
}

static th_tensor *relu(th_scope *s, const th_tensor *x)
{
	return th_op(s, x, [&] { return x->t.relu(); });
}

static th_tensor *relu_in_place(th_scope *s, const th_tensor *x)
{
	return th_op(s, x, [&] {
		Tensor t = x->t;
		return at::relu_(t);
	});
}

static th_tensor *act(th_scope *s, const th_tensor *x, enum th_act act)
{
	return th_op(s, x, [&]() -> Tensor {
		switch (act) {
		case TH_RELU6: return at::clamp(x->t, 0, 6);
		case TH_SILU: return at::silu(x->t);
		case TH_GELU: return at::gelu(x->t);
		case TH_HARDSWISH: return at::hardswish(x->t);
		case TH_HARDSIGMOID: return at::hardsigmoid(x->t);
		case TH_SIGMOID: return at::sigmoid(x->t);
		}
		TORCH_CHECK(false, "activation ", (int)act);
	});
}

static th_tensor *mul(th_scope *s, const th_tensor *x, const th_tensor *y)
{
	return th_op(s, x && y, [&] {
		const auto n = y->t.dim() == 2 ? y->t.size(0) : 1, c = x->t.size(1);
		const Tensor by = y->t.to(x->t.scalar_type()); // the scale of a layer is floats
		return x->t.mul(x->t.dim() == 2 ? by.view({ n, c }) : by.view({ n, c, 1, 1 }));
	});
}

// In floats, as the mean of bfloat16s is too inaccurate.
static th_tensor *layer_norm(th_scope *s, const th_tensor *x, const th_tensor *gamma, const th_tensor *beta, double eps)
{
	return th_op(s, x && gamma && beta, [&] {
		const bool map = x->t.dim() == 4;
		const Tensor rows = (map ? x->t.permute({ 0, 2, 3, 1 }) : x->t).to(at::kFloat);
		const Tensor y = at::layer_norm(rows, { rows.size(-1) }, gamma->t, beta->t, eps).to(x->t.scalar_type());
		return map ? y.permute({ 0, 3, 1, 2 }) : y;
	});
}

static th_tensor *tokens(th_scope *s, const th_tensor *x, const th_tensor *first, const th_tensor *places)
{
	return th_op(s, x && first && places, [&] {
		const auto n = x->t.size(0), c = x->t.size(1);
		const Tensor pixels = x->t.flatten(2).transpose(1, 2),
			     all = at::cat({ first->t.expand({ n, 1, c }), pixels }, 1);
		return layout((all + places->t).transpose(1, 2).unsqueeze(3), x->t.scalar_type());
	});
}

static th_tensor *attention(th_scope *s, const th_tensor *x, int heads)
{
	return th_op(s, x, [&] {
		const auto n = x->t.size(0), c = x->t.size(1) / 3, t = x->t.size(2), d = c / heads;
		const Tensor qkv = x->t.view({ n, 3, heads, d, t }).permute({ 1, 0, 2, 4, 3 }); // (3, n, heads, t, d)
		const Tensor p = at::matmul(qkv[0], qkv[1].transpose(2, 3)).mul(1 / std::sqrt((double)d)).softmax(-1);
		return layout(at::matmul(p, qkv[2]).permute({ 0, 1, 3, 2 }).reshape({ n, c, t, 1 }),
			      x->t.scalar_type());
	});
}

static th_tensor *first_pixel(th_scope *s, const th_tensor *x)
{
	return th_op(s, x, [&] { return x->t.flatten(2).select(2, 0); });
}

static th_tensor *concat(th_scope *s, const th_tensor *a, const th_tensor *b)
{
	return th_op(s, a && b, [&] { return at::cat({ a->t, b->t }, 1); });
}

static th_tensor *add(th_scope *s, const th_tensor *a, const th_tensor *b)
{
	return th_op(s, a && b, [&] { return a->t.add(b->t); });
}

static th_tensor *pad_channels(th_scope *s, const th_tensor *x, int n)
{
	return th_op(s, x, [&] { return at::constant_pad_nd(x->t, { 0, 0, 0, 0, n, n }); });
}

static th_tensor *avg_pool(th_scope *s, const th_tensor *x, int k)
{
	return th_op(s, x, [&] { return at::avg_pool2d(x->t, k); });
}

static th_tensor *max_pool(th_scope *s, const th_tensor *x, int k, int stride, int pad)
{
	return th_op(s, x, [&] { return at::max_pool2d(x->t, k, stride, pad); });
}

static th_tensor *flatten(th_scope *s, const th_tensor *x)
{
	return th_op(s, x, [&] { return x->t.flatten(1); });
}

static th_tensor *mean_hw(th_scope *s, const th_tensor *x)
{
	return th_op(s, x, [&] { return x->t.mean(at::IntArrayRef({ 2, 3 }), false, at::kFloat); });
}

static th_tensor *dropout(th_scope *s, const th_tensor *x, double p)
{
	return th_op(s, x, [&] { return at::dropout(x->t, p, true); });
}

static th_tensor *linear(th_scope *s, const th_tensor *x, const th_tensor *w, const th_tensor *bias)
{
	return th_op(s, x && w,
		     [&] { return at::linear(x->t.flatten(1).to(w->t.scalar_type()), w->t.flatten(1), maybe(bias)); });
}

// ---- gradients ----

static int backward(th_scope *s, size_t n, th_tensor *const *y, th_tensor *const *dy)
{
	bool operands = true;
	for (size_t i = 0; i < n; i++)
		operands = operands && y[i] && dy[i];
	return th_act(s, operands, [&] {
		std::vector<Tensor> outputs, gradients;
		for (size_t i = 0; i < n; i++) {
			outputs.push_back(y[i]->t);
			gradients.push_back(dy[i]->t);
		}
		torch::autograd::backward(outputs, gradients);
	});
}

static th_tensor *leaf(th_scope *s, const th_tensor *x)
{
	return th_op(s, x, [&] { return x->t.detach().requires_grad_(true); });
}

// ---- arithmetic in place ----

static int affine_in_place(th_scope *s, th_tensor *x, double a, double b)
{
	return th_act(s, x, [&] {
		if (a != 1)
			x->t.mul_(a);
		if (b != 0)
			x->t.add_(b);
	});
}

static int times_in_place(th_scope *s, th_tensor *x, const th_tensor *y)
{
	return th_act(s, x && y, [&] { x->t.mul_(y->t); });
}

static int add_in_place(th_scope *s, th_tensor *y, double a, const th_tensor *x)
{
	return th_act(s, y && x, [&] { y->t.add_(x->t, a); });
}

static int add_product(th_scope *s, th_tensor *y, double a, const th_tensor *x, const th_tensor *z)
{
	return th_act(s, y && x && z, [&] { y->t.addcmul_(x->t, z->t, a); });
}

static int add_quotient(th_scope *s, th_tensor *y, double a, const th_tensor *x, const th_tensor *z)
{
	return th_act(s, y && x && z, [&] { y->t.addcdiv_(x->t, z->t, a); });
}

static th_tensor *root(th_scope *s, const th_tensor *x)
{
	return th_op(s, x, [&] { return x->t.sqrt(); });
}

// The norm stays on the device: reading it would wait for the way back.
static int clip_in_place(th_scope *s, th_tensor *x, double max)
{
	return th_act(s, x, [&] { x->t.mul_(at::norm(x->t).add_(1e-6).reciprocal_().mul_(max).clamp_max_(1)); });
}

void th_fill_operations(struct th_api *a)
{
	a->version = version;
	a->open = open_device;
	a->apart = apart;
	a->tf32 = tf32;
	a->seed = seed;
	a->last_error = last_error;
	a->scope_begin = scope_begin;
	a->scope_end = scope_end;
	a->release = release;
	a->tensor_new = tensor_new;
	a->tensor_free = tensor_free;
	a->tensor_set = tensor_set;
	a->tensor_get = tensor_get;
	a->tensor_cast = tensor_cast;
	a->tensor_keep = tensor_keep;
	a->tensor_view = tensor_view;
	a->tensor_track = tensor_track;
	a->tensor_grad = tensor_grad;
	a->from_host = from_host;
	a->to_host = to_host;
	a->assign = assign;
	a->cast = cast;
	a->channel_affine = channel_affine;
	a->conv2d = conv2d;
	a->batch_norm = batch_norm;
	a->relu = relu;
	a->relu_ = relu_in_place;
	a->act = act;
	a->mul = mul;
	a->layer_norm = layer_norm;
	a->tokens = tokens;
	a->attention = attention;
	a->first_pixel = first_pixel;
	a->concat = concat;
	a->add = add;
	a->pad_channels = pad_channels;
	a->avg_pool = avg_pool;
	a->max_pool = max_pool;
	a->flatten = flatten;
	a->mean_hw = mean_hw;
	a->dropout = dropout;
	a->linear = linear;
	a->leaf = leaf;
	a->backward = backward;
	a->affine_ = affine_in_place;
	a->times_ = times_in_place;
	a->add_ = add_in_place;
	a->add_product_ = add_product;
	a->add_quotient_ = add_quotient;
	a->root = root;
	a->clip_ = clip_in_place;
}
