// Reads the imports of the package and holds the arrows between its folders: a folder uses only
// folders below it, and no files use each other in a circle.
import test from 'node:test'
import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What each folder may use, itself aside. `.` is the package's entry point. */
const MAY_USE = {
  'lib/engine': [],
  'lib/answers': ['lib/engine'],
  'lib/http': ['lib/engine', 'lib/answers'],
  'lib/fetch': ['lib/engine', 'lib/answers'],
  'lib/options': ['lib/engine', 'lib/answers'],
  adapters: ['lib/engine', 'lib/answers', 'lib/http', 'lib/fetch', 'lib/options'],
  '.': ['lib/engine', 'lib/http', 'adapters'],
  'crossgate-source': [],
  scripts: ['crossgate-source']
}

const NOT_READ = ['node_modules', 'npm', 'src', 'target', 'test']
const CODE = /\.(cjs|mjs|d\.ts|d\.mts)$/
const ENDINGS = ['', '.cjs', '.mjs', '.d.ts', '.d.mts']

/** Every file with code below a folder, as a path relative to it. */
function filesOf(root, folder = '.') {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap(entry => {
    const path = posix.join(folder, entry.name)
    if (entry.isDirectory()) return NOT_READ.includes(path) ? [] : filesOf(root, path)
    return CODE.test(entry.name) ? [path] : []
  })
}

/** The imports of a file that lead to other files of the package: `{ line, target }`. */
function importsOf(root, file) {
  const found = []
  readFileSync(join(root, file), 'utf8')
    .split('\n')
    .forEach((text, index) => {
      if (/^\s*(\*|\/\*|\/\/)/.test(text)) return
      const pattern = /(?:\brequire\(|\bimport\(|\bfrom\s+|^\s*import\s+)(['"])(\.[^'"]*)\1/g
      for (const [, , path] of text.matchAll(pattern)) {
        const target = posix.join(posix.dirname(file), path)
        const base = target.replace(/\.js$/, '')
        const candidates = [target, ...ENDINGS.map(ending => base + ending)]
        const exists = path => CODE.test(path) && existsSync(join(root, path))
        found.push({ line: index + 1, target: candidates.find(exists) ?? target })
      }
    })
  return found
}

const graphOf = root => new Map(filesOf(root).map(file => [file, importsOf(root, file)]))

/** Every arrow that is not allowed, one line each. */
function forbidden(graph) {
  const wrong = []
  for (const [file, imports] of graph) {
    const from = posix.dirname(file)
    if (!Object.hasOwn(MAY_USE, from)) wrong.push(`${file}: the folder has no place in MAY_USE`)
    else
      for (const { line, target } of imports) {
        const to = posix.dirname(target)
        const isAsset = /\.(json|node)$/.test(target)
        if (!isAsset && to !== from && !MAY_USE[from].includes(to))
          wrong.push(`${file}:${line} uses ${to}: not allowed`)
      }
  }
  return wrong.sort()
}

/** Every file that uses itself through others. */
function circles(graph) {
  const reaches = (from, goal) => {
    const seen = new Set()
    const pending = [from]
    while (pending.length > 0) {
      for (const { target } of graph.get(pending.pop()) ?? []) {
        if (target === goal) return true
        if (!seen.has(target)) pending.push(target)
        seen.add(target)
      }
    }
    return false
  }
  const files = [...graph.keys()].filter(file => reaches(file, file))
  return files.map(file => `${file} uses itself through others`).sort()
}

test('folders use only folders below them, and no files form a circle', () => {
  const graph = graphOf(root)
  const count = [...graph.values()].flat().length
  assert.ok(graph.size > 40 && count > 80, `${graph.size} files with ${count} imports are too few`)
  for (const [file, imports] of graph)
    for (const { line, target } of imports)
      assert.ok(existsSync(join(root, target)), `${file}:${line} uses ${target}: it is not there`)
  assert.deepEqual([...forbidden(graph), ...circles(graph)], [])
})

test('a forbidden import is found with file and line', t => {
  const made = mkdtempSync(join(tmpdir(), 'crossgate-'))
  t.after(() => rmSync(made, { recursive: true }))
  const write = (path, text) => {
    mkdirSync(dirname(join(made, path)), { recursive: true })
    writeFileSync(join(made, path), text)
  }
  write('lib/engine/x.cjs', "'use strict'\n// require('../http/in-a-comment.cjs')\n")
  write('lib/engine/y.cjs', "'use strict'\n\nconst { z } = require('../options/z.cjs')\n")
  write('lib/options/z.cjs', "const { y } = require('../engine/y.cjs')\n")
  write('lib/http/a.cjs', "const b = require('./b.cjs')\n")
  write('lib/http/b.cjs', "const a = () => require('./a.cjs')\n")
  write('lib/fetch/c.d.ts', "import type { Z } from '../options/z'\n")
  write('lib/options/z.d.ts', 'export type Z = 1\n')
  write('adapters/e.mjs', "import '../lib/http/a.cjs'\nimport { f } from '../scripts/f.mjs'\n")
  write('scripts/f.mjs', "import '../crossgate-source/h.mjs'\n")
  write('crossgate-source/h.mjs', '')
  write('more/g.cjs', '')
  const graph = graphOf(made)
  assert.deepEqual(forbidden(graph), [
    'adapters/e.mjs:2 uses scripts: not allowed',
    'lib/engine/y.cjs:3 uses lib/options: not allowed',
    'lib/fetch/c.d.ts:1 uses lib/options: not allowed',
    'more/g.cjs: the folder has no place in MAY_USE'
  ])
  assert.deepEqual(circles(graph), [
    'lib/engine/y.cjs uses itself through others',
    'lib/http/a.cjs uses itself through others',
    'lib/http/b.cjs uses itself through others',
    'lib/options/z.cjs uses itself through others'
  ])
})
