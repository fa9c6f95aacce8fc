/** The root of the project: npm runs scripts there, and so does this folder for the processes that it starts. */
export const ROOT = process.cwd();
