import { readFileSync } from 'node:fs'
import { load } from 'js-yaml'
import { answerTemplateCase, readContext } from './answer/template.ts'
const dir = '/work/shared/conformance/template/'
const ctx = readContext({ dataFile: dir + 'data.json', configsFolder: '/work/shared/conformance/injection/config', readYaml: load })
const only = process.argv[3]
for (const f of (process.argv[2] ?? 'cases,generated,hostile').split(',')) {
  let n = 0, ok = 0, istio = 0; const fails: string[] = []
  for (const line of readFileSync(dir + f + '.jsonl', 'utf8').split('\n')) {
    if (!line) continue
    const c = JSON.parse(line)
    if (only && !new RegExp(only).test(c.id)) continue
    n++
    if (c.dataRef && JSON.stringify((ctx.data as any)[c.dataRef]).startsWith('{"$istio"')) { istio++; continue }
    const t0 = performance.now()
    const a = answerTemplateCase(c, ctx); const w = c.want
    const dt = performance.now() - t0
    if (dt > 1500) console.log('SLOW', c.id, dt | 0)
    const eq = w.ok ? (a.ok && a.output === w.output && a.outputB64 === w.outputB64) || (c.mayRefuse && a.stage === 'limit')
      : !a.ok && (w.stage === 'limit' ? a.stage !== undefined : a.stage === w.stage || (c.mayRefuse && a.stage === 'limit'))
    if (eq) ok++
    else fails.push([c.id, JSON.stringify(c.template ?? c.templateRef).slice(0, only ? 3000 : 200), '  want ' + (w.ok ? JSON.stringify(w.output ?? w.outputB64).slice(0, only ? 3000 : 200) : w.stage + ' ' + w.error.slice(0, 200)), '  got  ' + (a.ok ? JSON.stringify(a.output ?? a.outputB64)!.slice(0, only ? 3000 : 200) : a.stage + ' ' + a.error?.slice(0, 200))].join('\n'))
  }
  console.log(f, ok, 'of', n - istio, '(istio', istio, ')'); for (const x of fails.slice(0, 60)) console.log(x)
}
