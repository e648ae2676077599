/** ProxyConfig: networking.istio.io v1beta1. */
import { i32, map, object, text } from '../dsl.ts'
import type { Decoded, KindSchema } from '../dsl.ts'
import { matchLabelsSelector } from './shared.ts'

const spec = object({
  selector: matchLabelsSelector,
  concurrency: i32({ nullable: true, minimum: 0 }),
  environmentVariables: map(text({ maxLength: 2048 })),
  image: object({ imageType: text() }),
})

export const proxyConfig: KindSchema<Decoded<typeof spec>> = {
  group: 'networking.istio.io',
  kind: 'ProxyConfig',
  plural: 'proxyconfigs',
  shortNames: [],
  versions: ['v1beta1'],
  specRequired: false,
  spec,
}
export type ProxyConfig = Decoded<typeof spec>
