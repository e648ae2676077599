/**
 * Answers recorded cases, one JSON object per line: `npm run -s answer -- injection < cases.jsonl > answers.jsonl`.
 * Only answers go to standard output, one line per line of input, in order.
 */
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Answerer } from './answer/answerer.ts'

const DEFAULT_CONFIGS = fileURLToPath(new URL('../../shared/conformance/injection/config', import.meta.url))

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { configs: { type: 'string' }, compat: { type: 'string' }, data: { type: 'string' } },
})

async function answererOf(subject: string | undefined): Promise<Answerer> {
  const configs = values.configs ?? DEFAULT_CONFIGS
  switch (subject) {
    case 'injection': {
      const { injectionAnswerer } = await import('./answer/injection.ts')
      return injectionAnswerer({ configs, compat: values.compat === 'off' ? 'off' : 'istiod' })
    }
    case 'template': {
      const [{ answerTemplateCase, readContext }, { istioData }, { readYaml }] = await Promise.all([
        import('./answer/template.ts'),
        import('./answer/istio-data.ts'),
        import('../src/injection/yaml/read.ts'),
      ])
      const dataFile = values.data ?? join(configs, '../../template/data.json')
      const context = readContext({ dataFile, configsFolder: configs, readYaml, buildIstioData: istioData })
      return (line) => answerTemplateCase(JSON.parse(line) as Parameters<typeof answerTemplateCase>[0], context)
    }
    case 'redirect': {
      const { answerRedirectLine } = await import('./answer/redirect.ts')
      return answerRedirectLine
    }
    case 'validation': {
      const { answerValidationLine } = await import('./answer/validation.ts')
      return answerValidationLine
    }
    default:
      throw new Error(
        `subject: expected "injection", "template", "redirect" or "validation", got ${JSON.stringify(subject)}`,
      )
  }
}

const answer = await answererOf(positionals[0])
for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  if (line.trim() !== '') process.stdout.write(`${JSON.stringify(await answer(line))}\n`)
}
