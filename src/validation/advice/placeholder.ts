/** Texts that somebody was to replace before applying the file. */

/** `[REPOSITORY]`, `<host>`, `$HOST`; an IPv6 address in brackets is none. */
export const isPlaceholder = (text: string): boolean => /\[[^\]:]*[A-Za-z][^\]:]*\]|<[^>]+>|\$[A-Za-z{(]/.test(text)
