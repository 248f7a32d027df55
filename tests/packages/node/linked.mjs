// Projects that see, beside crossgate as it is released, what is installed beside these tests.
import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { project } from './packed.mjs'

export const tools = fileURLToPath(new URL('node_modules/', import.meta.url))

/** The packages of a `node_modules`, those of scopes by their whole name. */
function packages(directory) {
  return readdirSync(directory).flatMap(name => {
    if (name.startsWith('.') || name === 'crossgate') return []
    if (!name.startsWith('@')) return [name]
    return readdirSync(join(directory, name)).map(inner => `${name}/${inner}`)
  })
}

/** A project with crossgate, these files, and links to the tools. */
export async function linked(files) {
  const directory = await project(files)
  for (const name of packages(tools)) {
    const to = join(directory, 'node_modules', name)
    mkdirSync(dirname(to), { recursive: true })
    if (!existsSync(to)) symlinkSync(join(tools, name), to, 'dir')
  }
  return directory
}
