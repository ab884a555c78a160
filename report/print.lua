-- For the PDF: what the report gives as HTML (tables, texts that somebody wrote, listings) as what it is, as a PDF takes no
-- HTML; what a page would fold is open, pictures are no wider than their page, and a word longer than a line may break.

local LONGEST_WORD = 40

local function breakable(str)
  local pieces, length = {}, 0
  for _, code in utf8.codes(str.text) do
    if length == LONGEST_WORD then
      pieces[#pieces + 1] = "\u{200b}"
      length = 0
    end
    pieces[#pieces + 1] = utf8.char(code)
    length = length + 1
  end
  return pandoc.Str(table.concat(pieces))
end

local function raw(text)
  return pandoc.RawBlock("typst", text)
end

local function boxed(div)
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
        return pandoc.read(block.text, "html").blocks
      end
    end,
  },
  {
    Div = boxed,
    Table = function(found)
      -- pandoc makes the columns of a wide table equally wide.
      for _, column in ipairs(found.colspecs) do
        column[2] = nil
      end
      return found
    end,
    Image = function(image)
      image.attributes.width = "100%"
      return image
    end,
    Str = function(str)
      if utf8.len(str.text) > LONGEST_WORD then
        return breakable(str)
      end
    end,
  },
}
