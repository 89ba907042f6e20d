/** A server-sent event, or a comment. */
export type Frame = { id?: string; event?: string; data?: string; retry?: string; comment?: string }

/** Reads a block of lines as a browser does. */
const frameOf = (block: string): Frame => {
  const frame: Frame = {}
  for (const line of block.split('\n')) {
    const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? []
    if (field === '') frame.comment = value
    else if (field === 'data') frame.data = frame.data === undefined ? value : `${frame.data}\n${value}`
    else frame[field as 'id' | 'event' | 'retry'] = value
  }
  return frame
}

/** Creates a function that takes what a stream of server-sent events sends, and returns the frames that are whole by then. */
export const createFrameReader = () => {
  let rest = ''
  return (chunk: string): Frame[] => {
    const blocks = (rest + chunk).split('\n\n')
    rest = blocks.pop() ?? ''
    return blocks.map(frameOf)
  }
}
