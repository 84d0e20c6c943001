/** @file Lets long names in code break between their words, where a column or a phone has no room for them. */
import type { MarkdownRenderer } from 'vitepress';

/** Behind a dot, a slash, a bracket or an underscore, and before a capital. */
const BETWEEN_WORDS = /(?<=[a-z\d][._/]|\]\.|[a-z\d](?=[A-Z]))(?=\w)/g;

export function breakableNames(markdown: MarkdownRenderer): void {
  const render = markdown.renderer.rules.code_inline!;
  markdown.renderer.rules.code_inline = (...token) => {
    const [, start, code, end] = /^(<code[^>]*>)(.*)(<\/code>)$/s.exec(render(...token))!;
    return start! + code!.replace(BETWEEN_WORDS, '<wbr>') + end!;
  };
}
