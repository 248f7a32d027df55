// A registry of npm packages on this machine that has the given tarballs and no others.
import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { basename } from 'node:path'

function read(tarball) {
  const content = readFileSync(tarball)
  const manifest = JSON.parse(
    execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], { encoding: 'utf8' })
  )
  const digest = (algorithm, encoding) => createHash(algorithm).update(content).digest(encoding)
  return {
    content,
    manifest,
    dist: { integrity: `sha512-${digest('sha512', 'base64')}`, shasum: digest('sha1', 'hex') }
  }
}

/** Serves until the process ends; gives the address. */
export async function registry(tarballs) {
  const packages = new Map(tarballs.map(file => [basename(file), read(file)]))
  let address = ''
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url.split('?', 1)[0])
    const file = packages.get(path.slice(path.lastIndexOf('/') + 1))
    if (file !== undefined) return response.end(file.content)
    const found = [...packages].find(([, { manifest }]) => `/${manifest.name}` === path)
    if (found === undefined) return response.writeHead(404).end('{}')
    const [name, { manifest, dist }] = found
    const { version } = manifest
    const tarball = `${address}${manifest.name}/-/${name}`
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({
        name: manifest.name,
        'dist-tags': { latest: version },
        time: { [version]: '2026-01-01T00:00:00.000Z' },
        versions: {
          [version]: { ...manifest, _id: `${manifest.name}@${version}`, dist: { ...dist, tarball } }
        }
      })
    )
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  address = `http://127.0.0.1:${server.address().port}/`
  return address
}
