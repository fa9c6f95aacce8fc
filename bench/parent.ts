/** What a helper's answer looks like on its channel: a value, or why there is none. */
export type Reply<Result> = { result: Result } | { failure: string };

/** Answers the commands of the process that started this one, and ends with it. */
export function serveParent(execute: (command: never) => Promise<unknown>): void {
  const reply = (message: Reply<unknown> | 'ready'): void => void process.send?.(message);
  process.on('disconnect', () => process.exit());
  process.on('message', (command) => {
    execute(command as never).then(
      (result) => reply({ result }),
      (error: unknown) => reply({ failure: error instanceof Error ? error.message : String(error) }),
    );
  });
  reply('ready');
}
