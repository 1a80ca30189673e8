import { expect, test } from "bun:test";
import { countTests } from "../test-report.ts";

const report = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="7" failures="2" skipped="2">
  <testsuite name="a.test.ts" tests="7">
    <testsuite name="nested" tests="2">
      <testcase name="fine &lt;b&gt;" classname="x" time="0.1" />
      <testcase name="bad" classname="x">
        <failure type="AssertionError" message="&lt;testcase/&gt;">Expected: &quot;&lt;/testcase&gt;&quot;</failure>
      </testcase>
    </testsuite>
    <testcase name="later"><skipped message="later" /></testcase>
    <testcase name="left out">
      <skipped />
    </testcase>
    <testcase name="broken"><error type="Error" message="x">x</error></testcase>
    <testcase name="also fine"></testcase>
    <testcase name="and fine" />
  </testsuite>
</testsuites>
`;

test("countTests() counts what really ran, once", () => {
  expect(countTests(report)).toEqual({ passed: 3, failed: 2 });
});

test("countTests() finds nothing in a report that is not there", () => {
  expect(countTests("")).toEqual({ passed: 0, failed: 0 });
});
