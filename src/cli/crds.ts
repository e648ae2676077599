/** `mesh-admission crds`: prints the CustomResourceDefinitions of all mesh resources. */
import { stringify } from 'yaml'
import { KINDS } from '../validation/registry.ts'
import { customResourceDefinition } from '../validation/schema/openapi.ts'
import type { CommandModule } from './commands.ts'
import { EXIT } from './output.ts'

/** One YAML document a kind, ordered by name. */
export function renderCrds(): string {
  const documents = KINDS.map(({ schema }) => ({
    name: `${schema.plural}.${schema.group}`,
    text: stringify(customResourceDefinition(schema), { aliasDuplicateObjects: false, lineWidth: 0 }),
  }))
  return documents
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ text }) => text)
    .join('---\n')
}

export const command: CommandModule = {
  examples: [
    { text: "Where Istio's base is not installed", line: 'mesh-admission crds | kubectl apply --server-side -f -' },
  ],
  configure: () => undefined,
  run: (_input, context) => {
    context.print(renderCrds())
    return Promise.resolve(EXIT.clean)
  },
}
