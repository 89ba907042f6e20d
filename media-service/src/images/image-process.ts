import { once } from 'node:events'
import { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Writable } from 'node:stream'
import type { HeaderReport, ImageReport, ImageTask } from './image-task.ts'
import { renderImage } from './render-image.ts'

// The program of the image worker process (see image-worker.ts). It reads a task as a line from pipe 4 and the image from
// stdin. It writes the header and then the report as lines to pipe 3 and the new image to stdout. The parent sends the next task
// and its image only after it has read the report, so there is one task at a time.
const reports = new Socket({ fd: 3 })
const tasks = new Socket({ fd: 4 })
const input = process.stdin[Symbol.asyncIterator]() as AsyncIterator<Buffer>

// A process does not give all memory of large images back. Above this size it exits, and the next image gets a new process.
const maxResidentBytes = 150_000_000

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

const sendLine = (report: HeaderReport | ImageReport): Promise<void> => send(reports, `${JSON.stringify(report)}\n`)

for await (const line of createInterface({ input: tasks })) {
  const task = JSON.parse(line) as ImageTask
  const { data, outcome } = await renderImage(await readInput(task.bytes), task, sendLine)
  const exits = process.memoryUsage.rss() > maxResidentBytes
  await sendLine({ ...outcome, bytes: data.length, exits })
  if (data.length > 0) await send(process.stdout, data)
}
process.exit()
