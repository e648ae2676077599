/** The webhook's own rules, as messages. istiod: they get to see neither labels nor annotations here. */
import { KINDS } from '../../registry.ts'
import { createReport } from '../../report.ts'
import { readObjectMeta } from '../../schema/object-meta.ts'
import { SPEC } from '../../field-path.ts'
import type { Analyzer } from '../analyze.ts'
import type { Message, MessageCode } from '../messages.ts'
import { message } from '../messages.ts'

const WARNING_CODES: Readonly<Partial<Record<string, MessageCode>>> = {
  ROUTE_UNREACHABLE: 'IST0130',
  MATCH_INEFFECTIVE: 'IST0131',
}

export const schemaAnalyzers: readonly Analyzer[] = KINDS.map((kind) => ({
  name: `schema.${kind.schema.kind}`,
  inputs: [kind.schema.kind],
  *analyze(world): Iterable<Message> {
    for (const resource of world.all(kind.schema.kind)) {
      if (resource.group !== kind.schema.group) continue
      const decoded = kind.decode(resource.object['spec'], SPEC)
      if ('error' in decoded) {
        yield message('IST0106', resource, `Schema validation error: ${decoded.error.text}`)
        continue
      }
      const report = createReport()
      const { meta } = readObjectMeta({ name: resource.name, namespace: resource.namespace })
      decoded.check({ meta, report })
      for (const { severity, code, text } of report.findings) {
        if (severity === 'error') yield message('IST0106', resource, `Schema validation error: ${text}`)
        else {
          const known = WARNING_CODES[code]
          yield message(known ?? 'IST0133', resource, known === undefined ? `Schema validation warning: ${text}` : text)
        }
      }
    }
  },
}))
