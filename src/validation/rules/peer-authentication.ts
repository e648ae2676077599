/** PeerAuthentication. */
import { entry, field, SPEC } from '../field-path.ts'
import { keysOf } from '../schema/keys.ts'
import type { PeerAuthentication } from '../schema/kinds/peer-authentication.ts'
import { checkMatchLabels } from './labels.ts'
import type { KindRules } from './rule-context.ts'

export const checkPeerAuthentication: KindRules<PeerAuthentication> = ({ selector, portLevelMtls }, { report }) => {
  const at = field(SPEC, 'portLevelMtls')
  if (portLevelMtls !== undefined) {
    const ports = keysOf(portLevelMtls)
    if (ports.length > 0 && selector?.matchLabels === undefined) {
      report.error('PORT_MTLS_SCOPE', at, 'mesh/namespace peer authentication cannot have port level mTLS')
    }
    if (ports.length === 0)
      report.error('PORT_MTLS_EMPTY', at, 'port level mTLS, if defined, must have at least one element')
    for (const port of ports) {
      if (report.isFull()) break
      if (Number(port) < 1 || Number(port) > 65535)
        report.error('PORT_RANGE', entry(at, port), `port must be in range 1..65535, got ${port}`)
    }
  }
  checkMatchLabels(selector, field(SPEC, 'selector'), report)
}
