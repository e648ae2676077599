/** The forms Kubernetes asks of names, namespaces, keys and values of labels. */

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const NAME_PART = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/
/** Kubernetes: a random suffix follows, so a dash may stand at the end. */
export const maskTrailingDash = (text: string): string =>
  text.length > 1 && text.endsWith('-') ? `${text.slice(0, -2)}a` : text

/** A DNS subdomain in lower case. */
export function* wrongSubdomain(text: string): Iterable<string> {
  if (text.length > 253) yield 'must be no more than 253 bytes'
  if (!SUBDOMAIN.test(text)) {
    yield "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
  }
}

/** A DNS label in lower case. */
export function* wrongNamespace(text: string): Iterable<string> {
  if (text.includes('.')) yield 'must not contain dots'
  else if (!LABEL.test(text)) {
    yield "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character"
  }
  if (text.length > 63) yield 'must be no more than 63 bytes'
}

/** A key of labels or annotations: a name, behind a subdomain and a slash if need be. */
export function* wrongQualifiedName(key: string): Iterable<string> {
  const [first = '', second, ...more] = key.split('/')
  if (more.length > 0) {
    yield 'a valid label key must consist of alphanumeric characters with an optional DNS subdomain prefix and one slash'
    return
  }
  const name = second ?? first
  if (second !== undefined) {
    if (first === '') yield 'prefix part must be non-empty'
    else for (const why of wrongSubdomain(first)) yield `prefix part ${why}`
  }
  if (name === '') yield 'name part must be non-empty'
  else if (name.length > 63) yield 'name part must be no more than 63 bytes'
  if (!NAME_PART.test(name)) {
    yield "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
  }
}

/** The value of a label; it may be empty. */
export function* wrongLabelValue(value: string): Iterable<string> {
  if (value.length > 63) yield 'must be no more than 63 bytes'
  if (!LABEL_VALUE.test(value)) {
    yield "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
  }
}
