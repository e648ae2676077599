/** The request path as injection reads it: percent-decoded, without dots and double slashes. */

/**
 * The decoded path of `url`. Undefined: the escapes are broken.
 * istiod: parameters are read from the decoded path, so `%2F` separates like `/`.
 */
export function decodedPath(url: string): string | undefined {
  const query = url.indexOf('?')
  const raw = query < 0 ? url : url.slice(0, query)
  if (!raw.includes('%')) return raw
  try {
    return decodeURIComponent(raw)
  } catch {
    return undefined
  }
}

/**
 * Where istiod would redirect to, or undefined when `path` is clean.
 * istiod: Go's router answers `//`, `/./` and `/../` with a redirect, which makes the webhook call fail. Serving such
 * a path would drop its parameters silently: the empty segment shifts every key to the place of a value.
 */
export function cleanedPath(path: string): string | undefined {
  if (!/\/\/|\/\.\.?(?:\/|$)/.test(path)) return undefined
  const kept: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop()
    else if (segment !== '' && segment !== '.') kept.push(segment)
  }
  const end = path.endsWith('/') && kept.length > 0 ? '/' : ''
  return `/${kept.join('/')}${end}`
}
