/** DER and PEM in and out: the only file that knows encodings. */
import {
  X509Certificate,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  generateKeyPairSync,
  randomBytes,
  sign,
} from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import { promisify } from 'node:util'

import type { asn1 as Asn1 } from 'node-forge'
import asn1 from 'node-forge/lib/asn1.js'

import { ProjectError } from '../base/errors.ts'

export interface CertificateSubject {
  readonly commonName: string
  readonly organization?: string
}

export interface IssueRequest {
  /** `authority`: may sign leaves, nothing below them. `serving`: a TLS server and nothing else. */
  readonly kind: 'authority' | 'serving'
  readonly subject: CertificateSubject
  /** Key of the subject; its public half goes into the certificate. */
  readonly key: KeyObject
  /** Who signs; the subject itself when absent. */
  readonly issuer?: { readonly certPem: string; readonly key: KeyObject }
  /** DNS names and literal IP addresses. */
  readonly names: readonly string[]
  /** Epoch milliseconds; certificates know whole seconds only. */
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

/** What the rest of the project wants to know of a certificate. */
export interface Certificate {
  readonly pem: string
  readonly commonName: string
  readonly organization: string
  readonly notBeforeMs: number
  readonly notAfterMs: number
  /** May sign others (basic constraints). */
  readonly isAuthority: boolean
  /** SHA-256 of the DER, lower-case hex. */
  readonly fingerprint: string
  /** DNS names and IP addresses of the subject alternative name, as the certificate spells them. */
  readonly names: readonly string[]
}

/** Kinds of keys that an authority and its leaves may have. */
export const KEY_ALGORITHMS = ['ecdsa-p256', 'rsa-2048', 'rsa-3072'] as const
export type KeyAlgorithm = (typeof KEY_ALGORITHMS)[number]

/** A new ECDSA P-256 private key. */
export function generateKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
}

/** A new private key; RSA keys take long enough to be made beside the event loop. */
export async function generateKeyOf(algorithm: KeyAlgorithm): Promise<KeyObject> {
  if (algorithm === 'ecdsa-p256') return generateKey()
  const modulusLength = Number(algorithm.slice('rsa-'.length))
  return (await promisify(generateKeyPair)('rsa', { modulusLength })).privateKey
}

/** Which of ours a key is, or undefined for any other. */
export function keyAlgorithmOf(key: KeyObject): KeyAlgorithm | undefined {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {}
  const name = isRsa(key) ? `rsa-${modulusLength ?? ''}` : namedCurve === 'prime256v1' ? 'ecdsa-p256' : ''
  return KEY_ALGORITHMS.find((algorithm) => algorithm === name)
}

const isRsa = (key: KeyObject): boolean => key.asymmetricKeyType === 'rsa'

/** A private key as PKCS#8 PEM. */
export function encodeKey(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** @throws ProjectError CERT_INVALID without the key's text */
export function decodeKey(keyPem: string): KeyObject {
  try {
    return createPrivateKey(keyPem)
  } catch (err) {
    throw new ProjectError('CERT_INVALID', 'private key: expected a PEM private key without passphrase', { cause: err })
  }
}

/**
 * Makes and signs a certificate, as PEM. Profile: certificates.md 3.2 (RFC 5280): key identifiers are always present,
 * because a verifier that meets two authorities of one name picks by them.
 */
export function issueCertificate(request: IssueRequest): string {
  const toBeSigned = encode(certificateBody(request))
  const signingKey = request.issuer?.key ?? request.key
  const signature = sign('sha256', toBeSigned, signingKey)
  return toPem(encode(sequence(decode(toBeSigned), signatureAlgorithm(signingKey), bitString(signature))))
}

/** @throws ProjectError CERT_INVALID when the first PEM block is no certificate */
export function readCertificate(pem: string): Certificate {
  const parsed = parse(pem)
  return {
    pem: toPem(parsed.raw),
    commonName: attributeOf(parsed.subject, 'CN'),
    organization: attributeOf(parsed.subject, 'O'),
    notBeforeMs: Date.parse(parsed.validFrom),
    notAfterMs: Date.parse(parsed.validTo),
    isAuthority: parsed.ca,
    fingerprint: parsed.fingerprint256.replaceAll(':', '').toLowerCase(),
    names: alternativeNames(parsed.raw),
  }
}

/**
 * The certificates of a PEM text, each ending in a newline: two blocks without one between them make the whole bundle
 * unreadable to Go. Text around the blocks is dropped.
 */
export function splitCertificates(text: string): string[] {
  return (text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []).map(
    (block) => `${block}\n`,
  )
}

/** DER of every certificate of a PEM text, base64: equal for bundles that differ in line breaks only. */
export function bundleIdentity(text: string): string {
  return splitCertificates(text)
    .map((block) => block.replace(/-----[^-]+-----|\s/g, ''))
    .join(',')
}

/** The identity of each certificate of a PEM text. */
export const identitiesIn = (text: string): ReadonlySet<string> => new Set(splitCertificates(text).map(bundleIdentity))

/** Whether `key` belongs to the first certificate of `certPem`. */
export function holdsKey(certPem: string, key: KeyObject): boolean {
  return parse(certPem).checkPrivateKey(key)
}

/** Whether `issuerPem` signed the first certificate of `certPem` (name, key identifier and signature; not the dates). */
export function isIssuedBy(certPem: string, issuerPem: string): boolean {
  const [subject, issuer] = [parse(certPem), parse(issuerPem)]
  return subject.checkIssued(issuer) && subject.verify(issuer.publicKey)
}

/** Whether a TLS client that asks for `name` (DNS name or literal address) accepts the certificate for it. */
export function coversName(certPem: string, name: string): boolean {
  const parsed = parse(certPem)
  return (isIP(name) === 0 ? parsed.checkHost(name, { subject: 'never' }) : parsed.checkIP(name)) !== undefined
}

function parse(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (err) {
    throw new ProjectError('CERT_INVALID', 'certificate: expected a PEM certificate', { cause: err })
  }
}

function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

/** Value of one attribute of a subject as Node prints it: one `TYPE=value` a line. */
function attributeOf(subject: string, type: string): string {
  const line = subject.split('\n').find((one) => one.startsWith(`${type}=`))
  return line?.slice(type.length + 1) ?? ''
}

// --- DER -----------------------------------------------------------------------------------------------------------

type Node = Asn1.Asn1
const { UNIVERSAL, CONTEXT_SPECIFIC } = asn1.Class
const { Type } = asn1

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  rsaWithSha256: '1.2.840.113549.1.1.11',
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  alternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const

/** Tags of the choices of GeneralName (RFC 5280, 4.2.1.6). */
const DNS_NAME_TAG = 2
const IP_ADDRESS_TAG = 7
/** Tag of the extensions inside a certificate's body. */
const EXTENSIONS_TAG = 3
/** Bits of KeyUsage as a BIT STRING: unused-bit count, then the bits. digitalSignature; keyCertSign + cRLSign. */
const SERVING_KEY_USAGE = '\x07\x80'
/** keyEncipherment besides: key exchange of TLS 1.2 with an RSA key. */
const RSA_SERVING_KEY_USAGE = '\x05\xa0'
const AUTHORITY_KEY_USAGE = '\x01\x06'
/** UTCTime ends with 2049 (RFC 5280, 4.1.2.5). */
const FIRST_GENERALIZED_YEAR = 2050

const encode = (node: Node): Buffer => Buffer.from(asn1.toDer(node).getBytes(), 'latin1')
const decode = (der: Buffer): Node =>
  asn1.fromDer(der.toString('latin1'), { strict: true, parseAllBytes: true, decodeBitStrings: false })
const binary = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

const sequence = (...nodes: Node[]): Node => asn1.create(UNIVERSAL, Type.SEQUENCE, true, nodes)
const oid = (dotted: string): Node => asn1.create(UNIVERSAL, Type.OID, false, asn1.oidToDer(dotted).getBytes())
const octets = (content: string): Node => asn1.create(UNIVERSAL, Type.OCTETSTRING, false, content)
const tagged = (tag: number, content: Node[]): Node => asn1.create(CONTEXT_SPECIFIC, tag, true, content)
const bytesTagged = (tag: number, content: string): Node => asn1.create(CONTEXT_SPECIFIC, tag, false, content)
const bitString = (bytes: Uint8Array): Node => asn1.create(UNIVERSAL, Type.BITSTRING, false, `\0${binary(bytes)}`)

/** Without parameters for ECDSA (RFC 5758), with NULL for RSA (RFC 4055). */
const signatureAlgorithm = (key: KeyObject): Node =>
  isRsa(key)
    ? sequence(oid(OID.rsaWithSha256), asn1.create(UNIVERSAL, Type.NULL, false, ''))
    : sequence(oid(OID.ecdsaWithSha256))

function certificateBody(request: IssueRequest): Node {
  const publicKey = createPublicKey(request.key).export({ type: 'spki', format: 'der' })
  const issuer = request.issuer === undefined ? undefined : parse(request.issuer.certPem)
  const subject = nameOf(request.subject)
  return sequence(
    tagged(0, [asn1.create(UNIVERSAL, Type.INTEGER, false, '\x02')]),
    asn1.create(UNIVERSAL, Type.INTEGER, false, binary(serialNumber())),
    signatureAlgorithm(request.issuer?.key ?? request.key),
    issuer === undefined ? subject : subjectOf(issuer),
    sequence(time(request.notBeforeMs), time(request.notAfterMs)),
    subject,
    decode(publicKey),
    tagged(EXTENSIONS_TAG, [sequence(...extensionsOf(request, publicKey, issuer))]),
  )
}

/** 16 bytes that read as a positive integer without a leading zero: some verifiers refuse negative serial numbers. */
function serialNumber(): Uint8Array {
  const bytes = randomBytes(16)
  bytes[0] = (((bytes[0] ?? 0) & 0x7f) % 0x7f) + 1
  return bytes
}

function nameOf({ commonName, organization }: CertificateSubject): Node {
  const attributes = [attribute(OID.commonName, commonName)]
  if (organization !== undefined) attributes.unshift(attribute(OID.organization, organization))
  return sequence(...attributes)
}

const attribute = (type: string, text: string): Node =>
  asn1.create(UNIVERSAL, Type.SET, true, [
    sequence(oid(type), asn1.create(UNIVERSAL, Type.UTF8, false, binary(Buffer.from(text, 'utf8')))),
  ])

function time(epochMs: number): Node {
  const date = new Date(Math.floor(epochMs / 1000) * 1000)
  return date.getUTCFullYear() < FIRST_GENERALIZED_YEAR
    ? asn1.create(UNIVERSAL, Type.UTCTIME, false, asn1.dateToUtcTime(date).toString())
    : asn1.create(UNIVERSAL, Type.GENERALIZEDTIME, false, asn1.dateToGeneralizedTime(date).toString())
}

function extensionsOf(request: IssueRequest, publicKey: Buffer, issuer: X509Certificate | undefined): Node[] {
  const keyId = keyIdOf(publicKey)
  const issuerKeyId = issuer === undefined ? keyId : keyIdOf(issuer.publicKey.export({ type: 'spki', format: 'der' }))
  const identifiers = [
    extension(OID.subjectKeyId, octets(keyId)),
    extension(OID.authorityKeyId, sequence(bytesTagged(0, issuerKeyId))),
  ]
  if (request.kind === 'authority') {
    const isAuthority = asn1.create(UNIVERSAL, Type.BOOLEAN, false, '\xff')
    const pathLength = asn1.create(UNIVERSAL, Type.INTEGER, false, '\0')
    return [
      critical(OID.basicConstraints, sequence(isAuthority, pathLength)),
      critical(OID.keyUsage, keyUsage(AUTHORITY_KEY_USAGE)),
      ...identifiers,
    ]
  }
  return [
    critical(OID.basicConstraints, sequence()),
    critical(OID.keyUsage, keyUsage(isRsa(request.key) ? RSA_SERVING_KEY_USAGE : SERVING_KEY_USAGE)),
    extension(OID.extendedKeyUsage, sequence(oid(OID.serverAuth))),
    ...identifiers,
    extension(OID.alternativeName, sequence(...request.names.map(generalName))),
  ]
}

const keyUsage = (bits: string): Node => asn1.create(UNIVERSAL, Type.BITSTRING, false, bits)

const extension = (id: string, value: Node): Node => sequence(oid(id), octets(binary(encode(value))))

const critical = (id: string, value: Node): Node =>
  sequence(oid(id), asn1.create(UNIVERSAL, Type.BOOLEAN, false, '\xff'), octets(binary(encode(value))))

/** SHA-1 of the public key's bits (RFC 5280, 4.2.1.2): an identifier, not a signature. */
function keyIdOf(spkiDer: Buffer): string {
  const bits = childrenOf(decode(spkiDer))[1]
  // The first byte of a BIT STRING counts unused bits.
  const bytes = Buffer.from(contentOf(bits), 'latin1').subarray(1)
  return binary(createHash('sha1').update(bytes).digest())
}

const generalName = (name: string): Node =>
  isIP(name) === 0 ? bytesTagged(DNS_NAME_TAG, name) : bytesTagged(IP_ADDRESS_TAG, binary(addressBytes(name)))

function addressBytes(address: string): Uint8Array {
  if (isIP(address) === 4) return Uint8Array.from(address.split('.').map(Number))
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  const text =
    dotted === null ? address : `${dotted[1]}${hexPair(dotted[2], dotted[3])}:${hexPair(dotted[4], dotted[5])}`
  const [head = '', tail] = text.split('::')
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'))
  const [left, right] = [groups(head), groups(tail ?? '')]
  const all = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right]
  return Uint8Array.from(all.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff]))
}

const hexPair = (high = '0', low = '0'): string => (Number(high) * 256 + Number(low)).toString(16)

/** The subject's own bytes: an issuer name must repeat them exactly, whatever string types its maker chose. */
function subjectOf(certificate: X509Certificate): Node {
  const body = childrenOf(childrenOf(decode(certificate.raw))[0])
  const hasVersion = body[0] !== undefined && isContext(body[0])
  const subject = body[hasVersion ? 5 : 4]
  if (subject === undefined) throw new ProjectError('CERT_INVALID', 'certificate: no subject')
  return subject
}

/** Read from the DER: the text that Node prints cannot be told apart from a name that contains a comma. */
function alternativeNames(der: Buffer): string[] {
  const body = childrenOf(childrenOf(decode(der))[0])
  const extensions = childrenOf(childrenOf(body.find((node) => isContext(node, EXTENSIONS_TAG)))[0])
  for (const one of extensions) {
    const parts = childrenOf(one)
    if (asn1.derToOid(contentOf(parts[0])) !== OID.alternativeName) continue
    return childrenOf(decode(Buffer.from(contentOf(parts.at(-1)), 'latin1'))).flatMap(nameText)
  }
  return []
}

function nameText(node: Node): string[] {
  const tag: number = node.type
  if (tag === DNS_NAME_TAG) return [contentOf(node)]
  if (tag === IP_ADDRESS_TAG) return [addressText(Buffer.from(contentOf(node), 'latin1'))]
  return []
}

function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16))
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}

const isContext = (node: Node, tag = 0): boolean => {
  const [tagClass, type]: number[] = [node.tagClass, node.type]
  return tagClass === CONTEXT_SPECIFIC && type === tag
}

const childrenOf = (node: Node | undefined): Node[] => (Array.isArray(node?.value) ? node.value : [])

const contentOf = (node: Node | undefined): string => {
  const value: unknown = node?.value
  return typeof value === 'string' ? value : ''
}
