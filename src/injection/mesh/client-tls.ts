/** Client TLS settings inside a mesh configuration. */
import type { Message } from './message-type.ts'

const SIMPLE = 1
const MUTUAL = 2

/** What is wrong with client TLS settings; `[]` for absent ones. */
export function clientTlsProblems(settings: Message | undefined): string[] {
  if (settings === undefined) return []
  const has = (name: string): boolean => settings[name] !== undefined
  const problems = configMapProblems((settings['credentialName'] as string | undefined) ?? '')
  const mode = settings['mode']
  problems.push(...skipVerifyProblems(settings))
  if ((mode === SIMPLE || mode === MUTUAL) && has('credentialName')) {
    if (['clientCertificate', 'privateKey', 'caCertificates', 'caCrl'].some(has)) {
      problems.push('cannot specify client certificates or CA certificate or CA CRL if credentialName is set')
    }
    return problems
  }
  if (mode === MUTUAL) {
    if (!has('clientCertificate')) problems.push('client certificate required for mutual tls')
    if (!has('privateKey')) problems.push('private key required for mutual tls')
  }
  return problems
}

function skipVerifyProblems(settings: Message): string[] {
  if ((settings['insecureSkipVerify'] as { value?: unknown } | undefined)?.value !== true) return []
  const forbidden = ['caCertificates', 'subjectAltNames']
  if (settings['mode'] === SIMPLE) forbidden.push('credentialName')
  else if (settings['mode'] !== MUTUAL) return []
  const set = forbidden.filter((name) => settings[name] !== undefined)
  return set.length === 0 ? [] : [`cannot specify ${set.join(' or ')} when insecureSkipVerify is set true`]
}

const CONFIG_MAP = 'configmap://'

/** istiod: the reference must name the namespace of its object, and a mesh configuration has none. */
function configMapProblems(credentialName: string): string[] {
  if (!credentialName.startsWith(CONFIG_MAP)) return []
  const [namespace = '', name = ''] = credentialName.slice(CONFIG_MAP.length).split('/')
  if (namespace === '' || name === '') return [`invalid configmap:// credentialName: ${credentialName}`]
  return [`configmap:// credentialName namespace must match the namespace of the resource: ${credentialName}`]
}
