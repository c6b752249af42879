/* SPDX-License-Identifier: MIT
 * The page around a report. */
#include "report/report_html.h"
#include "ts/ts_utf8.h"

/* Everyone can tell blue from orange, and curves also differ by their dashes. */
static const char style[] =
	":root{color-scheme:light dark;--fg:#1a1a1a;--bg:#fff;--dim:#595959;--line:#c8c8c8;--id:#0b62a8;--ood:#b34700}"
	"@media(prefers-color-scheme:dark){:root{--fg:#e8e8e8;--bg:#161616;--dim:#b0b0b0;--line:#4a4a4a;--id:#6cb6ff;"
	"--ood:#ffa04d}}"
	"body{font:16px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:72rem;margin:0 auto;"
	"padding:1rem}h2{margin-top:2.5rem}h3{margin:1.5rem 0 .3rem}.wide{overflow-x:auto}"
	"table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
	"th,td{padding:.2rem .7rem;text-align:right;border-bottom:1px solid var(--line)}"
	"th.w,td.w{text-align:left}th "
	"button{font:inherit;font-weight:600;color:inherit;background:none;border:0;padding:0;"
	"cursor:pointer}th button:focus-visible,summary:focus-visible{outline:2px solid var(--id)}"
	"th[aria-sort=ascending] button:after{content:' \\2191'}th[aria-sort=descending] button:after{content:' "
	"\\2193'}"
	"tr.mean td{font-weight:600}tr.mean small{font-weight:400}small,.dim{color:var(--dim)}"
	".plots,.thumbs{display:flex;flex-wrap:wrap;gap:1rem}.plots figure,.thumbs figure{margin:0}"
	"svg{display:block;max-width:100%}svg text{font:11px system-ui,sans-serif;fill:var(--fg)}"
	".axis{stroke:var(--line);fill:none}.id{stroke:var(--id);fill:var(--id);fill-opacity:.25}"
	".ood{stroke:var(--ood);fill:var(--ood);fill-opacity:.25}.roc{fill:none;stroke-width:1.5}.thin{stroke-width:.7}"
	".k0{stroke:var(--id)}.k1{stroke:var(--ood);stroke-dasharray:6 2}.k2{stroke:var(--fg);stroke-dasharray:2 2}"
	".k3{stroke:var(--dim)}.k4{stroke:var(--id);stroke-dasharray:8 2 2 2}.k5{stroke:var(--ood)}"
	".thumbs img{display:block;width:64px;height:64px;object-fit:contain;image-rendering:pixelated;"
	"border:1px solid var(--line)}.thumbs "
	"figure{width:7.5rem;font-size:.75rem;line-height:1.3;overflow-wrap:anywhere}"
	"summary{cursor:pointer;font-size:1.2rem;font-weight:600;margin-top:1rem}code{font-size:.85rem;overflow-wrap:"
	"anywhere}"
	"@media "
	"print{:root{color-scheme:light;--fg:#1a1a1a;--bg:#fff;--dim:#595959;--line:#c8c8c8;--id:#0b62a8;--ood:#b34700}"
	"body{max-width:none;padding:0}figure,tr{break-inside:avoid}.wide{overflow:visible}"
	"th button:after{content:''!important}}";

/* Sorts a table by the column whose heading is clicked; opens folded parts before printing. */
static const char script[] =
	"for(const b of document.querySelectorAll('th button'))b.onclick=()=>{"
	"const th=b.parentNode,t=th.closest('table'),i=th.cellIndex,"
	"up=th.getAttribute('aria-sort')==='descending',v=r=>{const c=r.cells[i];return c.dataset.v??c.textContent};"
	"for(const o of t.tHead.rows[0].cells)o.removeAttribute('aria-sort');"
	"th.setAttribute('aria-sort',up?'ascending':'descending');"
	"t.tBodies[0].append(...[...t.tBodies[0].rows].sort((p,q)=>{const x=v(p),y=v(q),"
	"d=th.className==='w'?x.localeCompare(y):(x===''?-1:+x)-(y===''?-1:+y);return up?d:-d}))};"
	"addEventListener('beforeprint',()=>{for(const d of document.querySelectorAll('details'))d.open=true});";

void report_html_begin(FILE *f, const char *title)
{
	fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
	      "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>",
	      f);
	report_html_text(f, title);
	fprintf(f, "</title>\n<style>%s</style></head>\n<body><main><h1>", style);
	report_html_text(f, title);
	fputs("</h1>\n", f);
}

void report_html_end(FILE *f)
{
	fprintf(f, "</main>\n<script>%s</script></body></html>\n", script);
}

void report_html_text(FILE *f, const char *s)
{
	while (*s) {
		const size_t span = ts_utf8_span(s);

		for (size_t i = 0; i < span; i++)
			switch (s[i]) {
			case '&': fputs("&amp;", f); break;
			case '<': fputs("&lt;", f); break;
			case '>': fputs("&gt;", f); break;
			case '"': fputs("&quot;", f); break;
			default: fprintf(f, "%c", (unsigned char)s[i] < ' ' || s[i] == 127 ? ' ' : s[i]);
			}
		s += span;
		if (*s) {
			fputs("\xef\xbf\xbd", f);
			s++;
		}
	}
}

void report_html_base64(FILE *f, const unsigned char *p, size_t n)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		const unsigned v = (unsigned)p[i] << 16 | (i + 1 < n ? (unsigned)p[i + 1] << 8 : 0) |
				   (i + 2 < n ? (unsigned)p[i + 2] : 0);

		fprintf(f, "%c%c%c%c", letters[v >> 18], letters[v >> 12 & 63], i + 1 < n ? letters[v >> 6 & 63] : '=',
			i + 2 < n ? letters[v & 63] : '=');
	}
}
