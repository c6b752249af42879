/* SPDX-License-Identifier: MIT
 * Checks the promises of intervals and tests with 1,000 simulations: a minute, only with SLOW=yes. ood_eval.c runs 60.
 * */
#include "ood_intervals.h"

int main(void)
{
	const char *slow = getenv("SLOW");

	if (!slow || strcmp(slow, "yes") != 0) {
		printf("1..0 # SKIP a minute's simulation: SLOW=yes runs it\n");
		return 0;
	}
	promises(1000);
	return done();
}
