// The types of the released package: every name that a peer exports is there, what is typed with
// the peer's names compiles, and TypeScript finds them in every mode of resolution.
import test from 'node:test'
import assert from 'node:assert/strict'
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { linked, tools } from './linked.mjs'
import { alone, attempt, released, run } from './packed.mjs'

const modes = [
  { module: 'node16' },
  { module: 'nodenext' },
  { module: 'esnext', moduleResolution: 'bundler' }
]
const peers = {
  cors: 'crossgate',
  '@fastify/cors': 'crossgate/fastify',
  '@koa/cors': 'crossgate/koa',
  'hono/cors': 'crossgate/hono'
}

const directory = await linked({ 'package.json': { private: true, type: 'module' } })
cpSync(fileURLToPath(new URL('types', import.meta.url)), directory, { recursive: true })

const strict = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  target: 'es2022',
  lib: ['es2022', 'dom', 'dom.iterable'],
  types: ['node'],
  // Those of the peers do not all pass.
  skipLibCheck: true
}

function programOf(mode, file) {
  const { options, errors } = ts.convertCompilerOptionsFromJson({ ...strict, ...mode }, directory)
  assert.deepEqual(errors, [])
  return ts.createProgram([join(directory, file)], options)
}

function complaints(program) {
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ file, start, messageText }) => {
      const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1
      return `${file?.fileName}:${line} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
    })
    .sort()
}

/** module -> the names that it exports, types and values. */
function exportsOf(mode, modules) {
  const lines = modules.map((name, index) => `import * as _${index} from '${name}'`)
  writeFileSync(join(directory, 'exports.mts'), lines.join('\n'))
  const program = programOf(mode, 'exports.mts')
  const checker = program.getTypeChecker()
  const { statements } = program.getSourceFile(join(directory, 'exports.mts'))
  return modules.map((name, index) => {
    const namespace = statements[index].importClause.namedBindings.name
    const module = checker.getAliasedSymbol(checker.getSymbolAtLocation(namespace))
    const names = checker.getExportsOfModule(module).map(symbol => symbol.name)
    assert.ok(names.length > 0, name)
    return names.filter(name => /^\w+$/.test(name))
  })
}

for (const mode of modes) {
  const title = mode.moduleResolution ?? mode.module

  test(`${title}: every name that a peer exports is exported`, () => {
    const lines = exportsOf(mode, Object.keys(peers)).map((names, peer) => {
      const imported = names.map((name, index) => `${name} as _${peer}_${index}`).join(', ')
      return `import type { ${imported} } from '${Object.values(peers)[peer]}'`
    })
    for (const known of ['CorsOptions', 'FastifyPluginOptionsDelegate', 'Options', 'cors'])
      assert.ok(lines.join().includes(` ${known} as `), known)
    writeFileSync(join(directory, 'names.mts'), lines.join('\n'))
    assert.deepEqual(complaints(programOf(mode, 'names.mts')), [])
  })

  for (const file of ['swapped.mts', ...(title === 'bundler' ? [] : ['swapped.cts'])])
    test(`${title}: ${file} compiles`, () => {
      assert.deepEqual(complaints(programOf(mode, file)), [])
    })
}

test('the lists of names are not empty: a name that is missing is found', () => {
  writeFileSync(join(directory, 'missing.mts'), "import type { No } from 'crossgate/fastify'\n")
  assert.match(complaints(programOf(modes[0], 'missing.mts')).join(), /no exported member.* 'No'/)
})

test('the oldest TypeScript 5 compiles them', async () => {
  const compiler = join(tools, 'typescript-oldest/bin/tsc')
  const flags = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--skipLibCheck']
  const language = ['--target', 'es2022', '--lib', 'es2022,dom,dom.iterable', '--types', 'node']
  for (const [module, resolution, ...files] of [
    ['node16', 'node16', 'swapped.mts', 'swapped.cts'],
    ['esnext', 'bundler', 'swapped.mts']
  ])
    await run(directory, process.execPath, [
      ...[compiler, ...flags, ...language, '--module', module, '--moduleResolution', resolution],
      ...files
    ])
})

test('are the types wrong?', async () => {
  for (const tarball of [alone, released.main]) {
    const { status, output } = await attempt(directory, process.execPath, [
      join(tools, '@arethetypeswrong/cli/dist/index.js'),
      tarball,
      '--no-emoji',
      '--no-color'
    ])
    assert.equal(status, 0, output)
    assert.match(output, /No problems found/)
  }
})
