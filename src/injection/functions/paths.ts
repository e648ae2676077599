/** Sprig's functions on slash-separated paths; on Linux those of the file system are the same. */
import { fn, tableOf, text, type FunctionTable } from '../template/function-table.ts'

export const PATH_FUNCTIONS: FunctionTable = tableOf({
  base: fn([text], base),
  dir: fn([text], dir),
  clean: fn([text], clean),
  ext: fn([text], extension),
  isAbs: fn([text], isAbsolute),
  osBase: fn([text], base),
  osDir: fn([text], dir),
  osClean: fn([text], clean),
  osExt: fn([text], extension),
  osIsAbs: fn([text], isAbsolute),
})

function base(path: string): string {
  if (path === '') return '.'
  let end = path.length
  while (end > 0 && path[end - 1] === '/') end--
  return end === 0 ? '/' : path.slice(path.lastIndexOf('/', end - 1) + 1, end)
}

function dir(path: string): string {
  return clean(path.slice(0, path.lastIndexOf('/') + 1))
}

function clean(path: string): string {
  const root = path.startsWith('/') ? '/' : ''
  const kept: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') kept.push(part)
    else if (kept.length > 0 && kept.at(-1) !== '..') kept.pop()
    else if (root === '') kept.push(part)
  }
  const joined = root + kept.join('/')
  return joined === '' ? '.' : joined
}

function extension(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const dot = name.lastIndexOf('.')
  return dot === -1 ? '' : name.slice(dot)
}

function isAbsolute(path: string): boolean {
  return path.startsWith('/')
}
