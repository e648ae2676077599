/** Does every entry of ours name a path that is served? */
import type { Configuration, Entry } from '../../installed/configurations.ts'
import { isOurEntry, titleOf } from '../../installed/configurations.ts'
import { betterPath } from '../../installed/entry-path.ts'
import { shellJson } from '../advice.ts'
import { check } from '../check.ts'

export const paths = check({
  name: 'paths of entries',
  reads: ['plan', 'configurations'],
  *run({ plan, configurations }) {
    for (const configuration of configurations) {
      for (const [index, entry] of configuration.webhooks.entries()) {
        const path = isOurEntry(entry, configuration, plan) ? betterPath(entry, configuration) : undefined
        if (path === undefined) continue
        yield {
          code: 'ENTRY_PATH_WRONG',
          subject: `${titleOf(configuration)} ${entry.name}`,
          message: `it names ${pathOf(entry)}, where nobody answers; ${path} is served`,
          next: correct(configuration, { entry, index, path }),
        }
      }
    }
  },
})

const pathOf = ({ clientConfig: { url, service } }: Entry): string =>
  service === undefined ? new URL(url ?? '').pathname : (service.path ?? '/')

interface Correction {
  readonly entry: Entry
  readonly index: number
  readonly path: string
}

function correct(configuration: Configuration, { entry, index, path }: Correction): string {
  const place = `/webhooks/${index}`
  const { url } = entry.clientConfig
  const value = url === undefined ? path : `${new URL(url).origin}${path}`
  const patch = [
    { op: 'test', path: `${place}/name`, value: entry.name },
    { op: 'add', path: `${place}/clientConfig/${url === undefined ? 'service/path' : 'url'}`, value },
  ]
  return `kubectl patch ${titleOf(configuration).replace('/', ' ')} --type=json -p ${shellJson(patch)}`
}
