/** Lists of errors as text. */

/** istiod: the list form of its error collector, also for a single error, with two newlines at the end. */
export function errorList(problems: readonly string[]): string {
  const head = problems.length === 1 ? '1 error occurred:' : `${problems.length} errors occurred:`
  return `${head}\n${problems.map((problem) => `\t* ${problem}`).join('\n')}\n\n`
}
