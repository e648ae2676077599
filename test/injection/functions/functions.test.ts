/** The functions of the injector's templates, by their surprises. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { injectorFunctions } from '../../../src/injection/functions/functions.ts'
import { parseTemplate } from '../../../src/injection/template/template.ts'
import { readYaml } from '../../../src/injection/yaml/read.ts'
import { errorOf, render } from '../template/render.ts'

const rows: { name: string; text: string; data?: unknown; want: string }[] = [
  {
    name: "Istio's indent leaves the first line alone, sprig's nindent none",
    text: '{{indent 2 "a\\nb"}}|{{nindent 2 "a\\nb"}}',
    want: 'a\n  b|\n  a\n  b',
  },
  {
    name: 'the clock of the caller is asked',
    text: '{{date "2006-01-02 15:04:05" now}} {{ago (now | dateModify "-90m")}}',
    want: '2024-02-29 12:34:56 1h30m0s',
  },
  {
    name: 'variables of the environment come from the caller, empty ones are unset',
    text: '{{env "A" "x"}}{{env "EMPTY" "y"}}{{env "NONE" "z"}}',
    want: '1yz',
  },
  {
    name: 'sortAlpha sorts a list of texts in place',
    text: '{{$l := splitList "," "b,a"}}{{sortAlpha $l}}{{$l}}',
    want: '[a b][a b]',
  },
  {
    name: 'merge takes what is missing or empty, mergeOverwrite everything',
    text: '{{merge (dict "a" 0 "b" 1) (dict "a" 2 "b" 3)}}{{mergeOverwrite (dict "a" 1) (dict "a" nil)}}',
    want: 'map[a:2 b:1]map[a:<nil>]',
  },
  { name: 'a chunk of negative size takes a single element', text: '{{chunk -3 (list 1)}}', want: '[[1]]' },
  { name: 'integers wrap around at 64 bits', text: '{{add 9223372036854775807 1}}', want: '-9223372036854775808' },
  { name: 'decimals add without the rounding of floats', text: '{{addf 0.1 0.2}}', want: '0.3' },
  { name: 'round goes down for negative fractions', text: '{{round -1.4 0}}', want: '-2' },
  {
    name: 'excludeInboundPort compares before it trims',
    text: '{{excludeInboundPort 15020 " 15020"}}',
    want: '15020,15020',
  },
  {
    name: 'multus: an empty JSON list becomes broken JSON',
    text: '{{appendMultusNetwork "[]" "istio-cni"}}',
    want: '[, {"name": "istio-cni"}]',
  },
  {
    name: 'regular expressions see bytes',
    text: '{{regexReplaceAll "." "\\xffé" "-"}}{{regexFindAll "a*" "baac" -1}}',
    want: '--[ aa ]',
  },
  {
    name: 'texts that YAML reads as something else are quoted',
    text: '{{toYaml (list "yes" "1_000" "1:30" "2024-01-02" "a: b" "")}}',
    want: '- "yes"\n- "1_000"\n- "1:30"\n- "2024-01-02"\n- \'a: b\'\n- ""\n',
  },
  {
    name: 'YAML keys are ordered by their numbers',
    text: '{{toYaml (dict "a10" 1 "a2" 2 "A" 3 "_" 4)}}',
    want: '_: 4\nA: 3\na2: 2\na10: 1\n',
  },
  {
    name: 'omitNil removes what it emptied, not what was empty',
    text: '{{toJson (omitNil (dict "a" (dict "b" nil) "c" (dict)))}}',
    want: '{"c":{}}',
  },
]
const functions = injectorFunctions({
  env: (name) => ({ A: '1', EMPTY: '' })[name],
  warn: () => undefined,
  nowMs: () => Date.UTC(2024, 1, 29, 12, 34, 56),
})
for (const { name, text, data, want } of rows) {
  test(`functions: ${name}`, () => assert.equal(parseTemplate('inject', text, { functions }).render(data), want))
}

test('broken JSON is a warning and the text {}', () => {
  const warnings: string[] = []
  const warned = injectorFunctions({ env: () => undefined, warn: (text) => warnings.push(text) })
  const template = parseTemplate('inject', '{{fromJSON .a}}{{fromJSON .b}}', { functions: warned })
  assert.equal(template.render({ a: '{', b: '[1]' }), '{}[1]')
  assert.equal(warnings.length, 1)
})

test('what toYaml writes, YAML reads back', () => {
  const value = fc.letrec<{ any: unknown }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.string({ unit: fc.constantFrom(...'ab :#-\'"[]{},&*!|>%@`\n\t019.~yé') }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('any'), { maxLength: 4 }),
      fc.dictionary(fc.string({ unit: fc.constantFrom(...'ab1 :#-y.') }), tie('any'), {
        maxKeys: 4,
        noNullPrototype: true,
      }),
    ),
  })).any
  fc.assert(
    fc.property(value, (given) => assert.deepEqual(readYaml(render('{{toYaml .}}', given)), given)),
    { numRuns: 1000 },
  )
})

test('every limit names itself', () => {
  for (const text of [
    '{{repeat 100000000 "x"}}',
    '{{until 100000000}}',
    '{{printf "%*d" 1000000 1 | repeat 10}}',
    '{{seq 1 100000000}}',
  ]) {
    assert.equal(errorOf(() => render(text)).code, 'TEMPLATE_LIMIT', text)
  }
})
