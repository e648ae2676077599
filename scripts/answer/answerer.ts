/** What answers one line of recorded cases. */

/** Takes a case as JSON text and never throws: what goes wrong is part of the answer. */
export type Answerer = (line: string) => unknown
