/** Something running: `ready` rejects when it does not receive events within `timeoutMs`; `stop` lets running handlers end. */
export type Running = { ready(timeoutMs: number): Promise<void>; stop(deadlineMs?: number): Promise<void> }
