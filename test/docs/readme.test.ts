/** Every command and every block of README does what README says. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { PROJECT_ROOT, sharedPath, skipWithout } from '../support/shared.ts'

const README = readFileSync(join(PROJECT_ROOT, 'README.md'), 'utf8')
const { scripts } = JSON.parse(readFileSync(join(PROJECT_ROOT, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
}

/** Lines that need more than this test may do, and the test that runs them. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'npm ci && npm run demo': 'test/live/fresh-machine.live.ts',
  'npm ci && npm test': '.ci/run',
  'npm ci && npm start': 'test/cli/serve.test.ts',
  'kubectl apply -k manifests/default': 'test/live/node/install.live.ts',
  'kubectl apply -k manifests/cni': 'test/live/node/redirect.live.ts',
  'kubectl label namespace shop istio-injection=enabled': 'test/live/node/install.live.ts',
  'mesh-admission doctor': 'test/live/api/doctor.live.ts',
  'mesh-admission certs status': 'test/live/api/certs.live.ts',
  'mesh-admission uninstall --dry-run': 'test/live/api/uninstall.live.ts',
  'npm run -s build': '.ci/run',
}

const blocks = (language: string): string[] =>
  [...README.matchAll(new RegExp('^```' + language + '\n(.*?)^```$', 'gms'))].map(([, text]) => text ?? '')

const commands = blocks('sh').flatMap((block) => block.trim().split('\n'))

/** The bundle is there: `npm test` builds before it runs this. */
function runBundle(args: readonly string[]): string {
  return execFileSync(process.execPath, [join(PROJECT_ROOT, 'dist/main.js'), ...args], {
    cwd: PROJECT_ROOT,
    encoding: 'utf8',
  })
}

for (const command of commands) {
  const place = ELSEWHERE[command]
  if (place !== undefined) {
    test(`README: ${command} is run by ${place}`, () => assert.ok(existsSync(join(PROJECT_ROOT, place))))
    continue
  }
  test(`README: ${command}`, () => {
    const args = /^node dist\/main\.js (.+)$/.exec(command)?.[1] ?? assert.fail('no test runs this line')
    assert.notEqual(runBundle(args.split(' ')), '')
  })
}

test("README's Deployment is the one of the demo", () => {
  assert.equal(blocks('yaml')[0], readFileSync(join(PROJECT_ROOT, 'manifests/demo/hello.yaml'), 'utf8'))
})

test("README's diff is part of what the demo prints, in order", () => {
  assert.match(scripts.demo ?? '', /node dist\/main\.js demo$/)
  const printed = runBundle(['demo']).split('\n')
  let at = 0
  for (const line of (blocks('diff')[0] ?? '').trimEnd().split('\n')) {
    const found = printed.indexOf(line, at)
    assert.ok(found >= at, `the demo does not print, in this place: ${line}`)
    at = found + 1
  }
})

test("README's finding is what the command above it prints", () => {
  const said = /^manifests\/demo\/routes\.yaml.*$/m.exec(README)?.[0] ?? assert.fail('README shows no finding')
  assert.ok(runBundle(['validate', '-f', 'manifests/demo']).split('\n').includes(said))
})

test('every document that README links to is there', () => {
  const links = [...README.matchAll(/\]\(([^)#]+)\)/g)].map(([, path]) => path ?? '')
  assert.deepEqual(
    links.filter((path) => !existsSync(join(PROJECT_ROOT, path))),
    [],
  )
})

const fresh = sharedPath('tools', 'fresh-machine')
test('README: the two set-up lines are those that a bare machine is tried with', { skip: skipWithout(fresh) }, () => {
  const tried = readFileSync(fresh ?? '', 'utf8')
  for (const line of ['npm ci && npm run demo', 'npm ci && npm test']) {
    assert.ok(tried.includes(line) && commands.includes(line), line)
  }
})
