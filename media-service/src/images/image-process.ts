import { once } from 'node:events'
import { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Writable } from 'node:stream'
import { renderImage } from './image.ts'
import type { ImageReport, ImageTask } from './image-task.ts'

// The program of the image worker. Tasks come as lines on pipe 4, their images on stdin; a report goes out as a line on pipe 3,
// and its image on stdout. There is one task at a time: nothing of the next one is sent before the report.
const reports = new Socket({ fd: 3 })
const tasks = new Socket({ fd: 4 })
const input = process.stdin[Symbol.asyncIterator]() as AsyncIterator<Buffer>

// Memory of large images does not all come back; the next image then gets a new process.
const mostResidentBytes = 150_000_000

const readInput = async (bytes: number): Promise<Buffer> => {
  const image = Buffer.allocUnsafeSlow(bytes)
  for (let at = 0; at < bytes; ) {
    const { value, done } = await input.next()
    if (done) throw new Error('the image ended early')
    value.copy(image, at)
    at += value.length
  }
  return image
}

const send = async (target: Writable, data: Buffer | string): Promise<void> => {
  if (!target.write(data)) await once(target, 'drain')
}

for await (const line of createInterface({ input: tasks })) {
  const task = JSON.parse(line) as ImageTask
  const { data, outcome } = await renderImage(await readInput(task.bytes), task)
  const last = process.memoryUsage.rss() > mostResidentBytes
  const report: ImageReport = { ...outcome, bytes: data.length, last }
  await send(reports, `${JSON.stringify(report)}\n`)
  if (data.length > 0) await send(process.stdout, data)
}
process.exit()
