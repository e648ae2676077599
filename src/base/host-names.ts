/** Names of hosts and domains: what istiod takes for valid. */

const LABEL = /^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$/
const MAX_LABEL_LENGTH = 63
const MAX_DOMAIN_BYTES = 255
/** UTF-8 takes at most three bytes for a UTF-16 unit. */
const MAX_SAFE_LENGTH = MAX_DOMAIN_BYTES / 3
const ENCODER = new TextEncoder()

/** A DNS label. istiod: upper case and labels of digits only are fine. */
export const isDnsLabel = (text: string): boolean => text.length <= MAX_LABEL_LENGTH && LABEL.test(text)

function isWildcardLabel(text: string): boolean {
  if (!text.startsWith('*')) return isDnsLabel(text)
  return text.length <= MAX_LABEL_LENGTH && (text === '*' || LABEL.test(text.replace(/^\*-?/, '')))
}

/** `part` is the label that is at fault, `domain` the text it stands in. */
export type DomainProblem =
  | { readonly why: 'empty' | 'too long'; readonly domain: string }
  | { readonly why: 'numeric top level' | 'label'; readonly domain: string; readonly part: string }

function lengthProblem(domain: string): DomainProblem | undefined {
  if (domain === '') return { why: 'empty', domain }
  const isLong = domain.length > MAX_SAFE_LENGTH && ENCODER.encode(domain).length > MAX_DOMAIN_BYTES
  return isLong ? { why: 'too long', domain } : undefined
}

/** What nearly all domains are: sound labels, the last of them with a letter in front. Without a list of the labels. */
function isPlainDomain(domain: string): boolean {
  let start = 0
  for (let at = 0; at <= domain.length; at++) {
    const code = at < domain.length ? domain.charCodeAt(at) : DOT
    if (code === DOT) {
      if (at === start || at - start > MAX_LABEL_LENGTH || domain.charCodeAt(at - 1) === DASH) return false
      if (at < domain.length) start = at + 1
    } else if (!isLetterOrDigit(code) && (code !== DASH || at === start)) return false
  }
  return !isDigit(domain.charCodeAt(start))
}

const DASH = 0x2d
const DOT = 0x2e
const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39
const isLetterOrDigit = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) || isDigit(code) || (code >= 0x41 && code <= 0x5a)

/** istiod: an empty last label is fine, so a domain may end with a dot; a numeric top level is not. */
function labelsProblem(domain: string): DomainProblem | undefined {
  if (isPlainDomain(domain)) return undefined
  const labels = domain.split('.')
  const top = labels.at(-1) ?? ''
  if (isInt64(top)) return { why: 'numeric top level', domain, part: top }
  const part = badLabel(labels)
  return part === undefined ? undefined : { why: 'label', domain, part }
}

const MAX_INT64 = (1n << 63n) - 1n

/** istiod: the number is read by strconv.ParseInt, so one of 20 digits is a label like any other. */
function isInt64(text: string): boolean {
  if (!/^[+-]?[0-9]+$/.test(text)) return false
  const value = BigInt(text.replace(/^\+/, ''))
  return value <= MAX_INT64 && value >= -MAX_INT64 - 1n
}

/** The first label that is none; the last may be empty. */
export const badLabel = (labels: readonly string[]): string | undefined =>
  labels.find((label, i) => !isDnsLabel(label) && !(label === '' && i === labels.length - 1))

/** What is wrong with a domain name without wildcard. Short names pass, `*` never does. */
export const domainProblem = (domain: string): DomainProblem | undefined =>
  lengthProblem(domain) ?? labelsProblem(domain)

/** What is wrong with a domain name whose first label may be a wildcard: `*`, `*.a.b`, `*a.b`, `*-a.b`. */
export function wildcardDomainProblem(domain: string): DomainProblem | undefined {
  const wrong = lengthProblem(domain)
  if (wrong !== undefined) return wrong
  const dot = domain.indexOf('.')
  const first = dot === -1 ? domain : domain.slice(0, dot)
  if (!isWildcardLabel(first)) return { why: 'label', domain, part: first }
  return dot === -1 ? undefined : labelsProblem(domain.slice(dot + 1))
}
