import { eventually } from '@clientele/platform/testing/wait'

/**
 * Kills the worker process of a supervisor, once it has one: it may just have ended. Never pass 0 for a missing id: that kills the whole
 * test run.
 */
export const killWorker = async (supervisor: { pid(): number | undefined }): Promise<void> => {
  const pid = await eventually(async () => {
    const running = supervisor.pid()
    if (running === undefined) throw new Error('there is no worker process')
    return running
  })
  process.kill(pid, 'SIGKILL')
}
