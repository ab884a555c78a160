-- For the PDF: what the report gives as HTML (tables, texts that somebody wrote, listings) as what it is, as a PDF takes no
-- HTML; what a page would fold is open, or left out where it is for a page alone, pictures are no wider than their page,
-- and a word longer than a line may break.

local LONGEST_WORD = 40
local READ = "-.'\""

-- A word as it was written: typst would make dashes of `--`, an ellipsis of `...`, and turn quotes; and it breaks no word.
local function literal(str)
  local inlines, plain, length = pandoc.Inlines({}), {}, 0
  local function flush()
    inlines:insert(pandoc.Str(table.concat(plain)))
    plain = {}
  end
  for _, code in utf8.codes(str.text) do
    local char = utf8.char(code)
    if READ:find(char, 1, true) then
      flush()
      inlines:insert(pandoc.RawInline("typst", "\\" .. char))
    else
      plain[#plain + 1] = char
    end
    length = length + 1
    if length % LONGEST_WORD == 0 then
      plain[#plain + 1] = "\u{200b}"
    end
  end
  flush()
  return inlines
end

local function raw(text)
  return pandoc.RawBlock("typst", text)
end

local function boxed(div)
  if div.classes:includes("on-page") then
    return {}
  end
  for class, style in pairs({ banner = "stroke: 0.7pt + rgb(\"#a33a00\")", text = "stroke: (left: 2pt + luma(200))" }) do
    if div.classes:includes(class) then
      local content = pandoc.Blocks({ raw("#block(width: 100%, inset: 8pt, " .. style .. ")[") })
      content:extend(div.content)
      content:insert(raw("]"))
      return content
    end
  end
end

return {
  {
    RawBlock = function(block)
      if block.format == "html" then
        return pandoc.read(block.text, "html").blocks:walk({ Str = literal })
      end
    end,
  },
  {
    Div = boxed,
    Table = function(found)
      -- pandoc makes the columns of a wide table equally wide, and knows no class that sets numbers right.
      local first = found.bodies[1].body[1]
      for place, column in ipairs(found.colspecs) do
        local numeric = first and first.cells[place].attr.classes:includes("gt_right")
        found.colspecs[place] = { numeric and "AlignRight" or column[1] }
      end
      return found
    end,
    Image = function(image)
      image.attributes.width = "100%"
      return image
    end,
  },
}
