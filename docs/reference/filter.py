# SPDX-License-Identifier: MIT
"""Writes headers as Doxygen is to read them: filter.py PROJECT TARGET, two folders. Lines keep their numbers.

A comment behind a declaration, and its further lines, describe the declaration; of several fields, each.
A comment above overloads that follow each other describes all of them, up to the next comment.
A constructor or operator() without a comment is described by that of its struct.
What is in `detail` is left out, but for bases of other classes; so are fields of its types, and protected members.
Text of a `///` comment is plain but for `code`; what is indented by three blanks is code.
What lies in a folder of include/eigenesis belongs to the group of the folder.
"""
import pathlib
import re
import shutil
import sys

INTERNAL = ("kernels", "files")  # folders

# Members that layers and trainers have for the library; the guide describes them. Others of these names have comments.
FOR_THE_LIBRARY = {"fields", "details", "name", "title", "needs_pass", "mixes_samples", "can_be_silent", "endless",
                   "place", "go_to", "is_default", "needs_separate_samples", "decays_weights"}
NOTHING = r"/** \if never \endif */ "  # a description without words: no warning, no text
CLOSING = {"(": ")", "[": "]", "{": "}"}


def skip(text, i):
    """Behind the comment, literal or bracket that begins at i; i + 1 for any other character."""
    if text.startswith("//", i):
        end = text.find("\n", i)
        return len(text) if end < 0 else end
    if text.startswith("/*", i):
        return text.index("*/", i) + 2
    c = text[i]
    if c == '"' or (c == "'" and not (i and text[i - 1].isalnum())):  # not the ' within 10'000
        i += 1
        while text[i] != c:
            i += 2 if text[i] == "\\" else 1
        return i + 1
    if c in CLOSING:
        i += 1
        while text[i] != CLOSING[c]:
            i = skip(text, i)
        return i + 1
    return i + 1


def without_comments(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", " ", text, flags=re.S)


def without_template(declaration):
    """A declaration without `template <...>`, `requires ...` of brackets, attributes and what stands before names."""
    while True:
        declaration = declaration.strip()
        if declaration.startswith("template"):
            depth = 0
            for i, c in enumerate(declaration):
                depth += (c == "<") - (c == ">" and declaration[i - 1] != "-")
                if c == ">" and depth == 0:
                    break
            declaration = declaration[i + 1:]
        elif re.match(r"requires\s*\(", declaration):
            declaration = declaration[skip(declaration, declaration.index("(")):]
        elif re.match(r"requires requires\(", declaration):
            declaration = declaration[skip(declaration, declaration.index("{")):]
        elif declaration.startswith("requires"):
            declaration = re.sub(r"^requires\s+(!?[\w:]+(<[^>]*>)?(\s*(&&|\|\|)\s*)?)+", "", declaration)
        elif declaration.startswith("[["):
            declaration = declaration[declaration.index("]]") + 2:]
        elif re.match(r"(inline|static|constexpr|consteval|explicit|virtual|friend(?=[^;{]*\())\b", declaration):
            declaration = declaration.split(None, 1)[1]
        else:
            return declaration


def top_level(declaration, character):
    """Where a character stands outside of all brackets, also of <>; -1 if nowhere."""
    i = depth = 0
    while i < len(declaration):
        if declaration[i] == character and depth == 0:
            return i
        depth += (declaration[i] == "<") - (declaration[i] == ">" and declaration[i - 1] != "-")
        i = skip(declaration, i)
    return -1


def function_name(declaration):
    if re.match(r"(using|typedef|friend|static_assert|concept)\b", declaration):
        return None
    found = re.search(r"operator\s*(\(\)|\[\]|[^\s\w(]+|\w[\w:<>, ]*)\s*\(", declaration)
    if found:
        return "operator" + found.group(1)
    bracket, equals = top_level(declaration, "("), top_level(declaration, "=")
    if bracket < 0 or 0 <= equals < bracket:
        return None
    found = re.search(r"(~?\w+)\s*$", declaration[:bracket])
    return found.group(1) if found else None


def split_fields(declaration, description):
    """`double a = 0, b = 0;` as one declaration for each name, each with the description."""
    parts, rest = [], declaration.rstrip(";")
    while (comma := top_level(rest, ",")) >= 0:
        parts.append(rest[:comma])
        rest = rest[comma + 1:]
    parts.append(rest)
    first = re.match(r"\s*(.*?[\s*&>])\w+\s*(=.*|\{.*\}|\[.*\])?$", parts[0], re.S)
    if not first:
        return None
    pure = re.sub(r"[*&]+\s*$", "", first.group(1))
    return " ".join([f"{description} {parts[0].strip()};"] + [f"{description} {pure}{p.strip()};" for p in parts[1:]])


def plain(text):
    """Text without any meaning for Doxygen and its Markdown, but for `code`."""
    pieces = re.split(r"(`[^`]*`)", text)
    for i in range(0, len(pieces), 2):
        piece = pieces[i].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        piece = re.sub(r"([\\@#%*_\[|])", r"\\\1", piece)
        piece = re.sub(r"^( *)(?=[-+] |\d+\. )", r"\1&nbsp;", piece)  # no list
        pieces[i] = re.sub(r"\b(al|e\.g|i\.e)\.( |$)", r"\1.&nbsp;", piece)  # no end of a sentence
    return "".join(pieces)


def description(lines):
    """The lines of a /// comment, without the strokes, in Doxygen's words."""
    result, code = [], None
    for number, line in enumerate(lines):
        if line.startswith("  "):
            if code is None:
                block = lines[number:]
                last = next((i for i, each in enumerate(block) if not each.startswith("  ")), len(block))
                is_cpp = any(re.search(r"[;{}]$", each) for each in block[:last])
                result[-1] += " @code{.cpp}" if is_cpp else " @code{.unparsed}"
                code = True
            result.append(line[2:])
        else:
            if code:
                result[-1] += " @endcode"
                code = None
            result.append(plain(line))
    if code:
        result[-1] += " @endcode"
    return result


class Header:
    def __init__(self, text, group, bases, functions):
        self.text, self.group, self.bases, self.functions, self.edits = text, group, bases, functions, []

    def edit(self, begin, end, by):
        kept = self.text[begin:end].count("\n") - by.count("\n")
        self.edits.append((begin, end, by + "\n" * max(0, kept)))

    def comment_above(self, begin):
        """Begin and lines of the /// comment whose last line ends right above the declaration at `begin`."""
        start = self.text.rfind("\n", 0, begin) + 1
        lines = []
        while start > 0:
            before = self.text.rfind("\n", 0, start - 1) + 1
            found = re.match(r"[ \t]*///(?!<) ?(.*)", self.text[before:start - 1])
            if not found:
                break
            lines.insert(0, found.group(1))
            start = before
        return lines

    def comment_behind(self, end):
        """The comment behind a declaration that ends at `end`, its further lines too; and where each begins."""
        lines, column = [], None
        while found := re.match(r"( *)(//+)(?!/) ?([^\n]*)", self.text[end:]):
            slashes = end + len(found.group(1))
            at = slashes - (self.text.rfind("\n", 0, slashes) + 1)
            if (column is not None and at != column) or (column is None and found.group(2) != "//"):
                break
            column = at
            lines.append((slashes, slashes + len(found.group(0)) - len(found.group(1)), found.group(3)))
            end = lines[-1][1]
            if not self.text.startswith("\n", end):
                break
            after = end + 1
            if not re.match(r" *//", self.text[after:]):
                break
            end = after
        return lines

    def show_table(self):
        """Of the table that EIGENESIS_FUNCTION and an #include make functions of, these functions."""
        found = re.search(r"((?: *///[^\n]*\n)*)#define EIGENESIS_FUNCTION\(name, \.\.\.\)(.*?)\n(#include[^\n]*)",
                          self.text, re.S)
        if found:
            comment, body, include = found.groups()
            comment = " ".join(description([re.sub(r"^ */// ?", "", line) for line in comment.splitlines()]))
            body = " ".join(body.replace("\\", " ").split())
            shown = [f"/** {comment} */ " + re.sub(r"\bname\b", name, body) for name in self.functions]
            lost = found.group(0).count("\n")
            self.text = self.text[:found.start()] + "\n" * lost + " ".join(shown) + self.text[found.end():]

    def run(self):
        self.show_table()
        for found in re.finditer(r"(?m)((^[ \t]*///(?!<)[^\n]*\n)+)", self.text):
            lines = found.group(1).splitlines()
            margin = [line[:line.index("///")] for line in lines]
            words = description([re.sub(r"^///( |$)", "", line.strip()) for line in lines])
            begin = found.start()
            for line, left, text in zip(lines, margin, words):
                self.edit(begin, begin + len(line), f"{left}/// {text}")
                begin += len(line) + 1
        self.scope(0, len(self.text), "namespace", "", False)
        pieces, done = [], 0
        for begin, end, by in sorted(self.edits, key=lambda each: (each[0], -each[1])):
            if begin >= done:  # not within what is left out
                pieces += [self.text[done:begin], by]
                done = end
        return "".join(pieces + [self.text[done:]]).replace("eigenesis::inline EIGENESIS_ABI", "eigenesis")

    def scope(self, i, end, kind, own_name, described):
        """What a namespace, struct or enumeration holds, from i to `end`."""
        text, previous = self.text, None
        while i < end:
            while i < end and (text[i].isspace() or text[i] == ";"):
                i += 1
            if i >= end:
                break
            if text.startswith("//", i) or text.startswith("/*", i):
                i = skip(text, i)
                continue
            if text[i] == "#":
                i = re.compile(r"(?:[^\n\\]|\\.|\\\n)*", re.S).match(text, i).end()
                continue
            access = re.compile(r"(public|protected|private):").match(text, i)
            if access:
                if access.group(1) == "protected":
                    self.edit(i, access.end(), "private:")
                i = access.end()
                continue
            begin, i = i, self.declaration_end(i, end, kind)
            previous = self.declaration(begin, i, kind, own_name, described, previous)
            if kind == "enum" and i < end and text[i] == ",":
                i += 1

    def declaration_end(self, i, end, kind):
        text, begin = self.text, i
        while i < end:
            c = text[i]
            if c == ";":
                return i + 1
            if kind == "enum" and (c == "," or text.startswith("//", i)):
                return begin + len(text[begin:i].rstrip())
            if c == "{":
                i = skip(text, i)
                if re.match(r"\s*;", text[i:]):
                    return i + text[i:].index(";") + 1
                follows = re.match(r"\s*([,{.\[(]|&&|\|\||->)", without_comments(text[i:i + 400]))
                head = without_comments(text[begin:i])
                if not follows or head.lstrip().startswith(("namespace", "extern")):
                    if not re.search(r"\brequires\s*(\((?:[^(){}]|\([^()]*\))*\))?\s*\{[^{}]*\}$", head):
                        return i
                continue
            i = skip(text, i)
        if kind == "enum":
            i = begin + len(text[begin:end].rstrip())
        return i

    def declaration(self, begin, end, kind, own_name, described, previous):
        """Edits one declaration; returns (name, comment) of a function, for the overloads that follow."""
        text = self.text
        source = text[begin:end]
        pure = without_template(without_comments(source))
        if found := re.match(r"(?:namespace\s+([\w: ]*)|extern \"C\")\s*\{", pure):
            opened = begin + source.index("{") + 1
            if re.search(r"\bdetail\b", found.group(1) or "") or pure.startswith("extern"):
                self.scope(opened, end - 1, "detail", "detail", False)
                return None
            self.edit(begin, opened + 1, f"{text[begin:opened]} /** @addtogroup {self.group}\n@{{ */ ")
            self.edit(end - 1, end, "/** @} */ }")
            self.scope(opened, end - 1, "namespace", "in", False)
            return None
        above = self.comment_above(begin)
        base = re.match(r"class\s+(\w+)[^;(]*\{", pure)
        if kind == "detail" and not (base and base.group(1) in self.bases):
            begin = text.rfind("\n", 0, begin) + 1
            for _ in above:
                begin = text.rfind("\n", 0, begin - 1) + 1
            self.edit(begin, end, "")
            return None
        if found := re.match(r"(struct|class|union|enum(?: class)?)\s+(\w+)[^;(]*\{", pure):
            opened = begin + source.index("{", source.index(found.group(1) + " " + found.group(2)))
            behind = self.behind(end)
            self.scope(opened + 1, begin + source.rindex("}"), "enum" if "enum" in found.group(1) else "class",
                       found.group(2), bool(above or behind))
            return None
        if re.match(r"(struct|class|union|enum|friend|static_assert|extern|template)\b", pure) and "(" not in pure:
            if pure.startswith("friend"):
                self.edit(begin, end, "")
            return None
        if kind == "enum" or not (name := function_name(pure)):
            behind = [] if above else self.comment_behind(end + (kind == "enum" and text.startswith(",", end)))
            self.field(begin, end, kind, above, behind)
            return None
        comment = above
        if not above:
            behind = self.behind(end)
            if behind:
                return name, behind
            ends = without_comments(source).rstrip().rstrip(";").rstrip()
            no_more = [r"=\s*(delete|default)$", r"\{\s*static_assert\([^;]*;\s*(return \w+;\s*)?\}$"]
            own = rf"{own_name}\s*\((const {own_name}&|{own_name}&&)[\w\s]*\)|~|operator="
            guide = pure.startswith(name) and re.match(r"\s*->", pure[skip(pure, top_level(pure, "(")):])
            if any(re.search(each, ends) for each in no_more) or re.match(own, pure) or name == "operator=" or guide:
                self.edit(begin, end, "")  # the rules of the language; what says why there is no such function
                return previous
            if name in FOR_THE_LIBRARY or re.match(r"(const )?detail::(?!Epoch)", pure):
                self.edit(begin, end, "")
                return previous
            if previous and previous[0] == name and previous[1]:
                comment = previous[1]
                self.edit(begin, begin, f"/** {' '.join(plain(line) for line in comment if line[:2] != '  ')} */ ")
            elif kind == "class" and described and name in (own_name, "operator()"):
                self.edit(begin, begin, NOTHING)
        return name, comment

    def behind(self, end):
        """Makes a comment behind a declaration one of it; its words."""
        lines = self.comment_behind(end)
        if lines and not lines[0][2].startswith("namespace"):
            for first, last, words in lines:
                self.edit(first, last, "///< " + plain(words))
            return [words for _, _, words in lines]
        return []

    def field(self, begin, end, kind, above, behind):
        source = self.text[begin:end]
        pure = without_template(without_comments(source)).strip()
        found = re.search(r"(\w+)\s*(=.*|\{.*\})?;?$", pure, re.S)
        for_the_library = "static" in source and not above and not behind and found and found.group(1) in FOR_THE_LIBRARY
        if pure.startswith("detail::") or for_the_library:
            for first, last, _ in behind:
                self.edit(first, last, "")
            return self.edit(begin, end, "")
        words = [plain(line) for line in above] or [plain(text) for _, _, text in behind]
        several = kind == "class" and pure.endswith(";") and top_level(pure, ",") >= 0
        if several and words and not pure.startswith("using"):
            if parts := split_fields(" ".join(without_comments(source).split()), "/** " + " ".join(words) + " */"):
                for first, last, _ in behind:
                    self.edit(first, last, "")
                return self.edit(begin, end, parts)
        for first, last, text in behind:
            self.edit(first, last, "///< " + plain(text))


def main_page(readme):
    """The first words of the README and its map of the house, with a group of the reference for each room."""
    words = re.search(r"# eigenesis\n\n(.*?)\n\n", readme, re.S).group(1)
    rooms = re.findall(r"^\| `(\w+)/` \| \d+ \| (.*?) \|$", readme, re.M)
    rooms = [(name, plain(text)) for name, text in rooms if name not in INTERNAL]
    page = [f"/** @mainpage The reference\n\n{words}\n"]
    page += ["This is what each header of the library offers; the README and docs/guide.md tell how it fits together.",
             "Shapes are in brackets, `[N, H, W, C]`; a `Scalar` is float or double.\n",
             "| folder | |", "|---|---|"]
    page += [f"| @ref {name} \"{name}\" | {text} |" for name, text in rooms] + ["*/"]
    return "\n".join(page + [f"/** @defgroup {name} {name}\n{text} */" for name, text in rooms]) + "\n"


def main():
    project, target = map(pathlib.Path, sys.argv[1:])
    source = project / "include/eigenesis"
    headers = {path.relative_to(source): path.read_text(encoding="utf-8") for path in sorted(source.rglob("*.hpp"))
               if path.parent.name not in INTERNAL and not path.name.endswith("_inl.hpp")}
    bases, more = set(), set(re.findall(r"class \w+ : public detail::(\w+)", "".join(headers.values())))
    while more:
        bases |= more
        more = set(re.findall(rf"class (?:{'|'.join(bases)}) : public (\w+)", "".join(headers.values()))) - bases
    functions = re.findall(r"EIGENESIS_FUNCTION\((\w+),",
                           without_comments((source / "kernels/operations.inl").read_text(encoding="utf-8")))
    shutil.rmtree(target, ignore_errors=True)
    for path, text in headers.items():
        shown = target / "eigenesis" / path
        shown.parent.mkdir(parents=True, exist_ok=True)
        shown.write_text(Header(text, path.parent.name, bases, functions).run(), encoding="utf-8")
    readme = (project / "README.md").read_text(encoding="utf-8")
    (target / "main_page.dox").write_text(main_page(readme), encoding="utf-8")


main()
