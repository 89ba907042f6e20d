import { once } from 'node:events'
import { setPriority } from 'node:os'
import { FileError } from '../row.ts'
import { openPackedTable } from './packed-table.ts'
import type { UnpackReport, UnpackTask } from './unpack-file.ts'

// The program that unpacks one archive (see unpack-file.ts). It gets its task as a message, answers with what it found, writes the
// table to stdout, and answers with `done` or an error.
const niceness = 10

const report = (message: UnpackReport): Promise<void> =>
  new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve()))

const unpack = async ({ path, ...options }: UnpackTask): Promise<void> => {
  const { info, bytes } = await openPackedTable(path, options)
  await report({ info })
  for await (const chunk of bytes) if (!process.stdout.write(chunk)) await once(process.stdout, 'drain')
  await new Promise<void>((resolve) => process.stdout.end(resolve))
  await report({ done: true })
}

setPriority(niceness)
process.once('disconnect', () => process.exit(1))
// The table is read no further.
process.stdout.once('error', () => process.exit(1))
process.once('message', (task: UnpackTask) => {
  unpack(task)
    .catch((error: unknown) => {
      if (!(error instanceof FileError)) throw error
      const { code, message, position } = error
      return report({ error: { code, message, position } })
    })
    .then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error)
        process.exit(1)
      },
    )
})
