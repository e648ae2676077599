/** As much of an X.509 certificate as tells whether one is there, and when it is valid. */

/** Milliseconds since 1970. */
export interface Validity {
  readonly fromMs: number
  readonly toMs: number
}

/** Of the first PEM block in what a Secret holds under a key (base64); undefined when that is no certificate. */
export function certificateValidity(secretData: string): Validity | undefined {
  const pem = decodeBase64(secretData)
  const [, body] = /-----BEGIN [^-]*-----([A-Za-z0-9+/=\s]*)-----END /.exec(pem ?? '') ?? []
  const der = body === undefined ? undefined : decodeBase64(body)
  return der === undefined ? undefined : readValidity(der)
}

/** Bytes as characters; undefined when it is no base64. */
function decodeBase64(text: string): string | undefined {
  try {
    return atob(text.replaceAll(/\s/g, ''))
  } catch {
    return undefined
  }
}

const SEQUENCE = 0x30
const VERSION = 0xa0
const UTC_TIME = 0x17

interface Element {
  readonly tag: number
  readonly content: string
}

/** The elements of a DER text, as far as they are whole. */
function* elementsOf(der: string): Iterable<Element> {
  for (let at = 0; at + 2 <= der.length;) {
    const first = der.charCodeAt(at + 1)
    const lengthBytes = first < 0x80 ? '' : der.slice(at + 2, at + 2 + (first & 0x7f))
    const length = first < 0x80 ? first : [...lengthBytes].reduce((sum, char) => sum * 256 + char.charCodeAt(0), 0)
    const start = at + 2 + lengthBytes.length
    if (start + length > der.length) return
    yield { tag: der.charCodeAt(at), content: der.slice(start, start + length) }
    at = start + length
  }
}

/** Certificate { tbs { [version], serial, algorithm, issuer, validity { from, to }, … } … }. */
function readValidity(der: string): Validity | undefined {
  const [certificate] = elementsOf(der)
  const [body] = elementsOf(certificate?.content ?? '')
  if (certificate?.tag !== SEQUENCE || body?.tag !== SEQUENCE) return undefined
  const fields = [...elementsOf(body.content)].filter(({ tag }) => tag !== VERSION)
  const [from, to] = [...elementsOf(fields[3]?.content ?? '')].map(timeMs)
  return from === undefined || to === undefined ? undefined : { fromMs: from, toMs: to }
}

/** `YYMMDDhhmmssZ`, or the same with four digits for the year. */
function timeMs({ tag, content }: Element): number | undefined {
  const year = tag === UTC_TIME ? (Number(content.slice(0, 2)) < 50 ? '20' : '19') : ''
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(year + content) ?? []
  const [years, months, days, hours, minutes, seconds] = parts.map(Number)
  if (years === undefined || months === undefined) return undefined
  return Date.UTC(years, months - 1, days, hours, minutes, seconds)
}
