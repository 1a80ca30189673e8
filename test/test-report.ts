// Reads the report of a test run: what of it really ran.

export interface TestCount {
  readonly passed: number;
  readonly failed: number;
}

/** Counts the test cases of a JUnit report; those that were skipped or are still to be written do not count. */
export function countTests(report: string): TestCount {
  let passed = 0;
  let failed = 0;
  // A case is one element, alone or with what happened inside. Attributes hold no bare angle bracket.
  for (const [, ending, inside = ""] of report.matchAll(
    /<testcase\b[^>]*?(\/?)>(?:(?<!\/>)([\s\S]*?)<\/testcase>)?/g,
  )) {
    const children = ending === "/" ? "" : inside;
    if (/<(failure|error)\b/.test(children)) failed++;
    else if (!/<skipped\b/.test(children)) passed++;
  }
  return { passed, failed };
}
