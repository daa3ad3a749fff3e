/** Ends every run with the suites that had no server, and one plain line that people and machines can read. */
export default class ClosingLine {
  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    process.stdout.write(`\n${withoutServers(results)}`);
    process.stdout.write(`${results.numPassedTests} passed, ${failed} failed, ${skipped} skipped\n`);
  }
}

/** `describeWithServers` writes the reason into the title of the suite that it skips. */
const MISSING = /^(.*) \[missing: (.*)\]$/s;

function withoutServers({ testResults }) {
  const suites = new Map();
  for (const { ancestorTitles, status } of testResults.flatMap((file) => file.testResults)) {
    const title = status === 'pending' ? ancestorTitles.find((ancestor) => MISSING.test(ancestor)) : undefined;
    if (title !== undefined) suites.set(title, (suites.get(title) ?? 0) + 1);
  }
  return [...suites]
    .map(([title, count]) => title.replace(MISSING, (_, suite, why) => `skipped ${suite} (${count}): ${why}\n`))
    .join('');
}
