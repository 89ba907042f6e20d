import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Browser } from 'playwright-core'
import sharp from 'sharp'

const root = resolve(import.meta.dirname, '..')

/** A block of shell commands of the README's tour, and the bold words that introduce it. */
export type TourBlock = { title: string; commands: string }

/** The blocks of the README's section "Tour", in order. A block without a title belongs to the title before it. */
export const tourBlocks = (): TourBlock[] => {
  const [, tour = ''] = readFileSync(join(root, 'README.md'), 'utf8').split(/^## Tour$/m)
  const [section = ''] = tour.split(/^## /m)
  let title = 'Set up'
  return [...section.matchAll(/^\*\*([^*]+)\*\*|^```sh\n(.*?)^```$/gms)].flatMap(([, bold, commands]) => {
    if (bold) title = bold.replace(/\.$/, '')
    return commands ? [{ title, commands }] : []
  })
}

/**
 * Runs the blocks in one shell in the project's folder, as if a person pasted them.
 * @param gateway takes the place of the README's http://localhost:8000
 * @returns what each block printed, by title
 */
export const takeTour = async (
  blocks: readonly TourBlock[],
  gateway: string,
  env: NodeJS.ProcessEnv,
): Promise<Record<string, string>> => {
  const script = blocks.map(({ title, commands }) => `printf '\\n@@ ${title}\\n'\n${commands}`).join('\n')
  const commands = script.replaceAll('http://localhost:8000', gateway)
  const shell = spawn('bash', ['-c', commands], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [shell.stdout, shell.stderr]) stream.on('data', (chunk) => (output += String(chunk)))
  await once(shell, 'close')
  const printed: Record<string, string> = {}
  for (const part of output.split('\n@@ ').slice(1)) {
    const [title = '', ...lines] = part.split('\n')
    printed[title] = (printed[title] ?? '') + lines.join('\n')
  }
  return printed
}

const pictureSize = { width: 1200, height: 860 }

/** The picture in grey and small, so that a font's rendering makes no difference. */
const greyValues = (picture: Buffer): Promise<Buffer> =>
  sharp(picture).resize(96, 64, { fit: 'fill' }).greyscale().raw().toBuffer()

/**
 * Compares a screenshot with the picture in `docs/images`. With `UPDATE_PICTURES=true` it replaces the picture before.
 * @returns the mean difference of their grey values, from 0 to 255
 */
export const differenceFromPicture = async (taken: Buffer, file: string): Promise<number> => {
  const path = join(root, 'docs', 'images', file)
  if (process.env['UPDATE_PICTURES'] === 'true') writeFileSync(path, taken)
  const [before, now] = await Promise.all([greyValues(readFileSync(path)), greyValues(taken)])
  return before.reduce((sum, value, index) => sum + Math.abs(value - (now[index] ?? 0)), 0) / before.length
}

/** Takes the picture of a page that the README shows. @returns its {@link differenceFromPicture} */
export const takePicture = async (browser: Browser, url: string, file: string): Promise<number> => {
  const page = await browser.newPage({ viewport: pictureSize, colorScheme: 'light' })
  await page.goto(url, { waitUntil: 'networkidle' })
  // The test's port is another one than the reader's.
  for (const option of await page.locator('select option').all())
    await option.evaluate((element) => {
      element.textContent = 'http://localhost:8000'
    })
  const taken = await page.screenshot()
  await page.close()
  return differenceFromPicture(taken, file)
}
