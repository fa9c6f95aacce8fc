/** The message with which a worker replies to a command. */
export type Reply<Result> = { result: Result } | { failure: string };

/** Executes the commands of the parent process, one at a time, and ends with it. */
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
