/** The few file operations that parts below the composition need. Paths are absolute. */
export interface Files {
  /** The file's text, or undefined when there is no such file. */
  read(path: string): Promise<string | undefined>;
  /** Replaces the file as a whole (written beside it, then renamed), making its folder when missing. */
  write(path: string, text: string, options?: { readonly mode?: number }): Promise<void>;
  /** Removes a file or a whole folder; nothing happens when it is absent. */
  remove(path: string): Promise<void>;
}
